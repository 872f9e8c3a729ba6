//! AccountTypeVerified: the account is in its organization what it is declared to be.

use super::{GOOD, Guide, Outlook, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::AccountTypeVerified,
    Reason, Severity,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(AccountTypeVerified, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Account type: `AccountTypeVerified`",
    intro: "All of these come from `organizations:DescribeOrganization`, which every account of an organization may call.",
    guides: &[
        Guide {
            reason: Reason::Verified,
            stands: &[(AccountTypeVerified, True)],
            meaning: "AWS Organizations confirms `accountType`.",
            recognised: "The answer has the expected management account's id, or is `AWSOrganizationsNotInUseException` for Standalone.",
            ..GOOD
        },
        Guide {
            reason: Reason::ConsolidatedBillingOnly,
            stands: &[(AccountTypeVerified, True)],
            meaning: "AWS Organizations confirms `accountType`. The organization has only consolidated billing, not all features.",
            recognised: "The organization's feature set is `CONSOLIDATED_BILLING`.",
            remedy: "Nothing: the bill is complete. The organization can't use control policies or StackSets for all members, because they need all features.",
            ..GOOD
        },
        Guide {
            reason: Reason::NotInOrganization,
            short: "Set accountType to Standalone",
            meaning: "The spec says Management or Member, but the account is in no organization.",
            recognised: "`AWSOrganizationsNotInUseException`.",
            remedy: "Set `spec.accountType: Standalone`.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeclaredManagementIsMember,
            short: "Set accountType to Member",
            meaning: "The spec says Management, but another account is the management account. A report of this account has only its own usage.",
            recognised: "The management account's id is another account's.",
            remedy: "Set `spec.accountType: Member`. To get the whole bill, connect the management account, which the message names.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeclaredMemberIsManagement,
            short: "Set accountType to Management",
            meaning: "The spec says Member, but this is the management account. Its report has every member's usage.",
            recognised: "The management account's id is this account's.",
            remedy: "Set `spec.accountType: Management`.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeclaredStandaloneIsInOrganization,
            short: "Correct accountType",
            meaning: "The spec says Standalone, but the account is in an organization.",
            recognised: "The answer has an organization.",
            remedy: "Set `spec.accountType` to `Management` or `Member`, as the message says.",
            ..FAULT
        },
        Guide {
            reason: Reason::OrganizationReadDenied,
            stands: &[(AccountTypeVerified, Unknown)],
            short: "Allow DescribeOrganization",
            meaning: "The role may not ask AWS Organizations, so `accountType` is not verified. `Ready` is not affected.",
            recognised: "`AccessDeniedException`, or another code that means the call is denied.",
            remedy: "Allow `organizations:DescribeOrganization` in the role's policy.",
            severity: Severity::Advice,
            outlook: Outlook::Settled,
            ..FAULT
        },
    ],
};
