//! AccountTypeVerified: the account is in its organization what it is declared to be.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::AccountTypeVerified,
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Account type: `AccountTypeVerified`",
    intro: "All of these come from `organizations:DescribeOrganization`, which every account of an organization may call.",
    guides: &[
        Guide {
            reason: Reason::Verified,
            stands: &[(AccountTypeVerified, True)],
            meaning: "AWS Organizations confirms `accountType`.",
            recognised: "The answer has the expected management account's id, or is `AWSOrganizationsNotInUseException` for Standalone.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::ConsolidatedBillingOnly,
            stands: &[(AccountTypeVerified, True)],
            meaning: "AWS Organizations confirms `accountType`. The organization has only consolidated billing, not all features.",
            recognised: "The organization's feature set is `CONSOLIDATED_BILLING`.",
            remedy: "Nothing: the bill is complete. The organization can't use control policies or StackSets for all members, because they need all features.",
        },
        Guide {
            reason: Reason::NotInOrganization,
            stands: &[(AccountTypeVerified, False)],
            meaning: "The spec says Management or Member, but the account is in no organization.",
            recognised: "`AWSOrganizationsNotInUseException`.",
            remedy: "Set `spec.accountType: Standalone`.",
        },
        Guide {
            reason: Reason::DeclaredManagementIsMember,
            stands: &[(AccountTypeVerified, False)],
            meaning: "The spec says Management, but another account is the management account. A report of this account has only its own usage.",
            recognised: "The management account's id is another account's.",
            remedy: "Set `spec.accountType: Member`. To get the whole bill, connect the management account, which the message names.",
        },
        Guide {
            reason: Reason::DeclaredMemberIsManagement,
            stands: &[(AccountTypeVerified, False)],
            meaning: "The spec says Member, but this is the management account. Its report has every member's usage.",
            recognised: "The management account's id is this account's.",
            remedy: "Set `spec.accountType: Management`.",
        },
        Guide {
            reason: Reason::DeclaredStandaloneIsInOrganization,
            stands: &[(AccountTypeVerified, False)],
            meaning: "The spec says Standalone, but the account is in an organization.",
            recognised: "The answer has an organization.",
            remedy: "Set `spec.accountType` to `Management` or `Member`, as the message says.",
        },
        Guide {
            reason: Reason::OrganizationReadDenied,
            stands: &[(AccountTypeVerified, Unknown)],
            meaning: "The role may not ask AWS Organizations, so `accountType` is not verified. `Ready` is not affected.",
            recognised: "`AccessDeniedException`, or another code that means the call is denied.",
            remedy: "Allow `organizations:DescribeOrganization` in the role's policy.",
        },
    ],
};
