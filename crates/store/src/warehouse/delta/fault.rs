//! What the kernel and the store report, in the warehouse's words: who has to act, and a short cause that
//! carries no credential.

use std::{error::Error, io};

use delta_kernel::KernelError;
use object_store::client::{HttpError, HttpErrorKind};

use crate::warehouse::{Refusal, WarehouseFault};

/// What an S3 code means (docs/aws-facts.md 9); one that is not here may pass.
fn meaning(code: &str) -> Option<FaultMeaning> {
    Some(match code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
            FaultMeaning::Refused(Refusal::Credentials)
        }
        // What STS says to the service account's own token (docs/aws-facts.md 1.4).
        "InvalidIdentityToken" | "ExpiredTokenException" | "IDPRejectedClaim" => {
            FaultMeaning::Refused(Refusal::Credentials)
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => {
            FaultMeaning::Refused(Refusal::Permissions)
        }
        "NoSuchBucket" => FaultMeaning::Refused(Refusal::Place),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            FaultMeaning::Refused(Refusal::Region)
        }
        "SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout" => FaultMeaning::NoAnswer,
        // Sent with 403, which would read as a refusal.
        "RequestTimeTooSkewed" => FaultMeaning::Passing,
        _ => return None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FaultMeaning {
    Refused(Refusal),
    NoAnswer,
    Passing,
}

/// A fault of the store while doing `action`.
pub(super) fn of_store(action: &str, error: &object_store::Error) -> WarehouseFault {
    let kind = match error {
        object_store::Error::Unauthenticated { .. } => Some(FaultMeaning::Refused(Refusal::Credentials)),
        object_store::Error::PermissionDenied { .. } => Some(FaultMeaning::Refused(Refusal::Permissions)),
        _ => None,
    };
    of_cause(action, error, kind)
}

/// `kind` is what the error's type says. A code says more, since stores send several with one status.
fn of_cause(action: &str, error: &(dyn Error + 'static), kind: Option<FaultMeaning>) -> WarehouseFault {
    let code = s3_code_in(error);
    let cause = cause(error);
    // A service account whose role does not trust it is refused by STS, not by the store.
    let by_identity = chain(error).any(|error| error.to_string().contains("AssumeRoleWithWebIdentity"));
    let meaning = match code.as_deref().and_then(meaning) {
        Some(FaultMeaning::Refused(_)) if by_identity => Some(FaultMeaning::Refused(Refusal::Credentials)),
        Some(meaning) => Some(meaning),
        // A bucket in another region redirects without saying where to, and the client knows no more of it than that.
        None if chain(error).any(|error| error.to_string().contains("redirect without LOCATION")) => {
            Some(FaultMeaning::Refused(Refusal::Region))
        }
        None => kind.or_else(|| of_connection(error)).or_else(|| of_files_alone(error)),
    };
    match meaning {
        Some(FaultMeaning::Refused(refusal)) => {
            let fix = fix(refusal, code.is_some() || kind.is_some());
            WarehouseFault::Refused { refusal, message: refused(refusal, action, &cause, fix) }
        }
        Some(FaultMeaning::NoAnswer) => {
            WarehouseFault::Transient { action: action.to_owned(), cause, answered: false }
        }
        Some(FaultMeaning::Passing) | None => {
            WarehouseFault::Transient { action: action.to_owned(), cause, answered: true }
        }
    }
}

fn refused(refusal: Refusal, action: &str, cause: &str, fix: &str) -> String {
    match refusal {
        Refusal::Credentials => {
            format!("the store does not accept the warehouse's credentials ({cause}): {fix}")
        }
        Refusal::Permissions => format!("the store refuses to {} ({cause}): {fix}", permission(action)),
        Refusal::Place => format!("the warehouse's place does not exist ({cause}): {fix}"),
        Refusal::Region => {
            format!("the warehouse's bucket is in another region than the warehouse names ({cause}): {fix}")
        }
    }
}

/// The permission that an action takes: which call it was, and on what, differs from try to try and fixes nothing.
fn permission(action: &str) -> &'static str {
    match action.split(' ').next() {
        Some("list") => "list",
        Some("read") => "read",
        Some("remove") => "delete",
        _ => "write",
    }
}

fn fix(refusal: Refusal, bucket: bool) -> &'static str {
    match (refusal, bucket) {
        (Refusal::Credentials, _) => {
            "write an active access key into the warehouse's Secret, or give its service account a role that trusts it"
        }
        (Refusal::Permissions, true) => {
            "allow the warehouse's identity s3:ListBucket on the bucket and s3:GetObject, s3:PutObject and s3:DeleteObject on its objects"
        }
        (Refusal::Permissions, false) => "make the volume writable for the Job's group",
        (Refusal::Region, _) => "correct the region",
        (Refusal::Place, true) => "create the bucket, or correct the warehouse's location",
        (Refusal::Place, false) => "a file has the name of the warehouse's folder; correct the location",
    }
}

/// No connection, or none that lasted until an answer.
fn of_connection(error: &(dyn Error + 'static)) -> Option<FaultMeaning> {
    let kind = chain(error).find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind)?;
    let silent = matches!(
        kind,
        HttpErrorKind::Connect | HttpErrorKind::Timeout | HttpErrorKind::Interrupted | HttpErrorKind::Request
    );
    silent.then_some(FaultMeaning::NoAnswer)
}

/// What a file system says.
fn of_files_alone(error: &(dyn Error + 'static)) -> Option<FaultMeaning> {
    match io_kind(error)? {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some(FaultMeaning::Refused(Refusal::Permissions))
        }
        io::ErrorKind::NotADirectory => Some(FaultMeaning::Refused(Refusal::Place)),
        _ => None,
    }
}

/// True if the store says that there is no such object: not that there is no such bucket.
pub(super) fn is_gone(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| match error.downcast_ref::<object_store::Error>() {
        Some(object_store::Error::NotFound { source, .. }) => {
            s3_code_in(source.as_ref()).is_none_or(|code| code == "NoSuchKey")
        }
        _ => false,
    })
}

/// True if the store has no way to create an object only where there is none: a condition that it does not know, or a file
/// system without hard links.
pub(super) fn knows_no_condition(error: &object_store::Error) -> bool {
    let code = s3_code_in(error);
    let of_store =
        |code: &String| ["NotImplemented", "InvalidArgument", "InvalidRequest"].contains(&code.as_str());
    let of_files = || {
        io_kind(error)
            .is_some_and(|kind| matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported))
    };
    match &code {
        Some(code) => of_store(code),
        None => matches!(error, object_store::Error::NotImplemented { .. }) || of_files(),
    }
}

/// The cause of a store's error in short.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    match s3_code_in(error) {
        Some(code) => format!("S3 answered {code}"),
        None => innermost(error),
    }
}

/// A fault of the kernel while doing `action` on the table at `location`.
pub(super) fn of_kernel(action: &str, location: &str, error: KernelError) -> WarehouseFault {
    match error {
        KernelError::Backtraced { source, .. } => of_kernel(action, location, *source),
        KernelError::ObjectStore(error) => of_store(action, &error),
        KernelError::Unsupported(problem) | KernelError::InvalidProtocol(problem) => {
            WarehouseFault::SchemaIncompatible { location: location.to_owned(), problem }
        }
        error => of_cause(action, &error, None),
    }
}

/// A fault of reading or writing files while doing `action`.
pub(super) fn of_files(action: &str, error: &(dyn Error + 'static)) -> WarehouseFault {
    let mut at = Some(error);
    while let Some(error) = at {
        // An io::Error's source is its content's source: the content itself has to be asked for.
        let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let store = error.downcast_ref::<object_store::Error>();
        if let Some(error) = store.or_else(|| content?.downcast_ref()) {
            return of_store(action, error);
        }
        at = error.source();
    }
    of_cause(action, error, None)
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    chain(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .find(|kind| *kind != io::ErrorKind::Other)
}

/// An error and its sources, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The innermost cause on one line, without what a store may have sent: that echoes key ids.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let text = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    line.split('<').next().unwrap_or_default().trim().chars().take(200).collect()
}

fn s3_code_in(error: &(dyn Error + 'static)) -> Option<String> {
    chain(error).find_map(|error| s3_code(&error.to_string()))
}

/// The code in an XML answer, or in what object_store makes of a refused key of a bulk deletion.
fn s3_code(text: &str) -> Option<String> {
    let between = |start: &str, end: &str| Some(text.split_once(start)?.1.split_once(end)?.0);
    let code = between("<Code>", "</Code>").or_else(|| between("(code: ", ")"))?;
    let plain = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    plain.then(|| code.chars().take(60).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExitCode, Reason};

    fn generic(source: impl Into<Box<dyn Error + Send + Sync>>) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: source.into() }
    }

    fn said(error: &object_store::Error) -> (Reason, ExitCode) {
        let fault = of_store("list", error);
        (fault.reason(), fault.exit_code())
    }

    #[test]
    fn s3_answers_are_cut_to_their_code() {
        let xml = "<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIACANARY</AWSAccessKeyId></Error>";
        let fault = of_store("list", &generic(xml)).to_string();
        assert!(fault.contains("InvalidAccessKeyId") && !fault.contains("CANARY"), "{fault}");
        let deletion = "DeleteObjects request failed for key probe/1: CANARY denied (code: AccessDenied)";
        let fault = of_store("remove old files", &generic(deletion)).to_string();
        assert!(fault.contains("AccessDenied") && !fault.contains("CANARY"), "{fault}");
    }

    #[test]
    fn every_answer_of_a_store_has_its_reason() {
        use ExitCode::{Configuration, Transient};
        for (code, reason, exit) in [
            ("InvalidAccessKeyId", Reason::WarehouseAuthFailed, Configuration),
            ("SignatureDoesNotMatch", Reason::WarehouseAuthFailed, Configuration),
            ("InvalidToken", Reason::WarehouseAuthFailed, Configuration),
            ("ExpiredToken", Reason::WarehouseAuthFailed, Configuration),
            ("InvalidIdentityToken", Reason::WarehouseAuthFailed, Configuration),
            ("AccessDenied", Reason::WarehouseDenied, Configuration),
            ("AllAccessDisabled", Reason::WarehouseDenied, Configuration),
            ("AccountProblem", Reason::WarehouseDenied, Configuration),
            ("NoSuchBucket", Reason::WarehousePlaceNotFound, Configuration),
            ("PermanentRedirect", Reason::WarehouseRegionMismatch, Configuration),
            ("AuthorizationHeaderMalformed", Reason::WarehouseRegionMismatch, Configuration),
            ("SlowDown", Reason::WarehouseUnreachable, Transient),
            ("InternalError", Reason::WarehouseUnreachable, Transient),
            ("KMS.DisabledException", Reason::ProbeFailed, Transient),
        ] {
            let xml = format!("<Error><Code>{code}</Code></Error>");
            assert_eq!(said(&generic(xml)), (reason, exit), "{code}");
        }
    }

    #[test]
    fn a_denial_names_the_permission_not_the_call() {
        let denied = generic("<Error><Code>AccessDenied</Code></Error>");
        let said = |action| of_store(action, &denied).to_string();
        assert_eq!(said("create an object"), said("finish a file"));
        assert_eq!(said("read an object"), said("read the table's log"));
        assert!(said("remove old files").contains("refuses to delete"), "{}", said("remove old files"));
    }

    #[test]
    fn a_redirect_to_nowhere_is_another_region() {
        let redirect =
            "Received redirect without LOCATION, this normally indicates an incorrectly configured region";
        assert_eq!(said(&generic(redirect)), (Reason::WarehouseRegionMismatch, ExitCode::Configuration));
    }

    #[test]
    fn a_status_without_a_code_still_tells() {
        let denied =
            |source: &str| object_store::Error::PermissionDenied { path: "a".into(), source: source.into() };
        assert_eq!(said(&denied("no body")).0, Reason::WarehouseDenied);
        let wrong_key = denied("<Error><Code>SignatureDoesNotMatch</Code></Error>");
        assert_eq!(said(&wrong_key).0, Reason::WarehouseAuthFailed, "the code says more than the status");
        let skewed = denied("<Error><Code>RequestTimeTooSkewed</Code></Error>");
        assert_eq!(said(&skewed), (Reason::ProbeFailed, ExitCode::Transient));
        let unknown = object_store::Error::Unauthenticated { path: "a".into(), source: "no body".into() };
        assert_eq!(said(&unknown).0, Reason::WarehouseAuthFailed);
    }

    #[test]
    fn a_service_account_that_its_role_does_not_trust_has_no_credentials() {
        let refused = "<Error><Code>AccessDenied</Code><Message>Not authorized to perform \
                       sts:AssumeRoleWithWebIdentity</Message></Error>";
        assert_eq!(said(&generic(refused)).0, Reason::WarehouseAuthFailed);
    }

    #[test]
    fn a_store_that_does_not_answer_is_unreachable() {
        for kind in [HttpErrorKind::Connect, HttpErrorKind::Timeout, HttpErrorKind::Interrupted] {
            let silent = HttpError::new(kind, io::Error::from(io::ErrorKind::ConnectionRefused));
            let fault = of_store("list", &generic(silent));
            assert_eq!(fault.reason(), Reason::WarehouseUnreachable, "{kind:?}");
            assert!(fault.to_string().contains("endpoint"), "{fault}");
        }
    }

    #[test]
    fn what_a_folder_says() {
        for (kind, reason, exit) in [
            (io::ErrorKind::PermissionDenied, Reason::WarehouseDenied, ExitCode::Configuration),
            (io::ErrorKind::ReadOnlyFilesystem, Reason::WarehouseDenied, ExitCode::Configuration),
            (io::ErrorKind::NotADirectory, Reason::WarehousePlaceNotFound, ExitCode::Configuration),
            (io::ErrorKind::StorageFull, Reason::ProbeFailed, ExitCode::Transient),
        ] {
            assert_eq!(said(&generic(io::Error::from(kind))), (reason, exit), "{kind:?}");
        }
    }
}
