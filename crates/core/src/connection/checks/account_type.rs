//! AccountTypeVerified: the account is in its organization what it is declared to be.

use jiff::Timestamp;

use super::super::{Facts, Finding, Standing, Target};
use crate::{
    aws::{
        FaultClass,
        traits::{OrganizationFeatures, OrganizationMembership},
    },
    model::{AccountId, AccountType, ConditionType::AccountTypeVerified, Reason},
};

pub(in crate::connection) fn check(facts: &Facts, target: &Target, now: Timestamp) -> Finding {
    match facts.membership.standing(now) {
        Standing::Known(membership) => compare(membership, target),
        Standing::Refused(fault) if fault.class == FaultClass::Denied => Finding::unknown(
            AccountTypeVerified,
            Reason::OrganizationReadDenied,
            format!(
                "{} may not call organizations:DescribeOrganization, so accountType {} is taken on trust. Allow it to have \
                 it verified.",
                target.actor(),
                target.account_type
            ),
        ),
        Standing::Refused(fault) => Finding::doubtful(AccountTypeVerified, &fault.clone().inconclusive()),
        standing => Finding::inconclusive(AccountTypeVerified, &standing),
    }
}

fn compare(membership: &OrganizationMembership, target: &Target) -> Finding {
    let account = &target.account;
    match (target.account_type, membership) {
        (AccountType::Standalone, OrganizationMembership::Standalone) => {
            verified(format!("Account {account} is in no organization."))
        }
        (AccountType::Management, OrganizationMembership::InOrganization { management, features })
            if management == account =>
        {
            in_organization_as_declared(
                *features,
                format!("Account {account} is the management account of its organization."),
            )
        }
        (AccountType::Member, OrganizationMembership::InOrganization { management, features })
            if management != account =>
        {
            in_organization_as_declared(
                *features,
                format!(
                    "Account {account} is a member of the organization of account {management}. Its report lacks credits and \
                     refunds where the payer's billing preferences keep them from members."
                ),
            )
        }
        (AccountType::Management | AccountType::Member, OrganizationMembership::Standalone) => fail(
            Reason::NotInOrganization,
            format!(
                "accountType is {}, but account {account} is in no organization. Set accountType: Standalone.",
                target.account_type
            ),
        ),
        (AccountType::Management, OrganizationMembership::InOrganization { management, .. }) => fail(
            Reason::DeclaredManagementIsMember,
            format!(
                "accountType is Management, but account {account} is a member of the organization of account {management}: \
                 its report holds its own usage only. Set accountType: Member, or connect account {management} for the \
                 whole organization's bill."
            ),
        ),
        (AccountType::Member, OrganizationMembership::InOrganization { .. }) => fail(
            Reason::DeclaredMemberIsManagement,
            format!(
                "accountType is Member, but account {account} is the management account: its report holds every member's \
                 usage. Set accountType: Management."
            ),
        ),
        (AccountType::Standalone, OrganizationMembership::InOrganization { management, .. }) => {
            fail(Reason::DeclaredStandaloneIsInOrganization, in_organization(account, management))
        }
    }
}

fn in_organization(account: &AccountId, management: &AccountId) -> String {
    if account == management {
        format!(
            "accountType is Standalone, but account {account} is the management account of an organization. Set \
             accountType: Management."
        )
    } else {
        format!(
            "accountType is Standalone, but account {account} is a member of the organization of account {management}. \
             Set accountType: Member."
        )
    }
}

fn in_organization_as_declared(features: OrganizationFeatures, message: String) -> Finding {
    match features {
        OrganizationFeatures::All => verified(message),
        OrganizationFeatures::ConsolidatedBilling => Finding::pass(
            AccountTypeVerified,
            Reason::ConsolidatedBillingOnly,
            format!("{message} The organization has consolidated billing only, no policies."),
        ),
    }
}

fn verified(message: String) -> Finding {
    Finding::pass(AccountTypeVerified, Reason::Verified, message)
}

fn fail(reason: Reason, message: String) -> Finding {
    Finding::fail(AccountTypeVerified, reason, message)
}
