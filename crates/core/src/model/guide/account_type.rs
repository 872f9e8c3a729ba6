//! AccountTypeVerified: the account is in its organization what it is declared to be.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::AccountTypeVerified,
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Account type: `AccountTypeVerified`",
    intro: "All by `organizations:DescribeOrganization`, which any account of an organization may call.",
    guides: &[
        Guide {
            reason: Reason::Verified,
            stands: &[(AccountTypeVerified, True)],
            meaning: "Organizations agrees with `accountType`.",
            recognised: "The management account's id, or `AWSOrganizationsNotInUseException` for Standalone.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::ConsolidatedBillingOnly,
            stands: &[(AccountTypeVerified, True)],
            meaning: "Organizations agrees with `accountType`; the organization has consolidated billing only, not all features.",
            recognised: "The organization's feature set is `CONSOLIDATED_BILLING`.",
            remedy: "Nothing: the bill is whole. Features of Organizations that need all features, such as control policies and StackSets for all members, are not there.",
        },
        Guide {
            reason: Reason::NotInOrganization,
            stands: &[(AccountTypeVerified, False)],
            meaning: "Declared Management or Member, but the account is in no organization.",
            recognised: "`AWSOrganizationsNotInUseException`.",
            remedy: "Set `spec.accountType: Standalone`.",
        },
        Guide {
            reason: Reason::DeclaredManagementIsMember,
            stands: &[(AccountTypeVerified, False)],
            meaning: "Declared Management, but another account is: a report of this one holds its own usage only.",
            recognised: "The management account's id is another.",
            remedy: "Set `spec.accountType: Member`, or connect the management account, which the message names, for the whole bill.",
        },
        Guide {
            reason: Reason::DeclaredMemberIsManagement,
            stands: &[(AccountTypeVerified, False)],
            meaning: "Declared Member, but it is the management account: its report holds every member's usage.",
            recognised: "The management account's id is this one.",
            remedy: "Set `spec.accountType: Management`.",
        },
        Guide {
            reason: Reason::DeclaredStandaloneIsInOrganization,
            stands: &[(AccountTypeVerified, False)],
            meaning: "Declared Standalone, but it is in an organization.",
            recognised: "Organizations answers with one.",
            remedy: "Set `spec.accountType` to `Management` or `Member`, as the message says.",
        },
        Guide {
            reason: Reason::OrganizationReadDenied,
            stands: &[(AccountTypeVerified, Unknown)],
            meaning: "Organizations may not be read, so `accountType` is taken on trust. `Ready` is not held down.",
            recognised: "`AccessDeniedException` or another refusal.",
            remedy: "Allow `organizations:DescribeOrganization` in the role's policy.",
        },
    ],
};
