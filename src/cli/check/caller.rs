//! Reasons that speak of whoever runs the check and of nothing that is checked: here that is a person or a pipeline,
//! and no operator's pod.

use crate::model::Reason;

/// What is said to them; nothing for any other reason.
pub(super) fn caller_fix(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::NoBaseCredentials => {
            "This check has no AWS credentials, so AWS was not asked. Give it some (AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY) of an identity that may assume the role; --skip-aws checks without AWS."
        }
        Reason::BaseCredentialsExpired => {
            "Your AWS credentials have expired: sign in again, or use --skip-aws to check without AWS."
        }
        Reason::BaseCredentialsInvalid => {
            "AWS credentials for this check were not found or are not accepted: a key that is unknown, inactive or \
             mistyped, a session without its token, or a profile or token file that can't be read. Check your AWS_* \
             variables and ~/.aws; --skip-aws checks without AWS."
        }
        Reason::WebIdentityRejected => {
            "AWS refuses the web identity token that this check runs with: check AWS_ROLE_ARN and \
             AWS_WEB_IDENTITY_TOKEN_FILE, and that the role's trust policy names the token's issuer and subject. \
             --skip-aws checks without AWS."
        }
        _ => return None,
    })
}
