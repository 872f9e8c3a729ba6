//! Certificate authorities that are trusted besides the system's: those of a private platform.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Names the file with the authorities, as it does for AWS's own tools.
pub const VARIABLE: &str = "AWS_CA_BUNDLE";
/// A Secret takes no more than 1 MiB, and one carries the bundle to the Jobs.
const LONGEST: usize = 1_000_000;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Certificate authorities in PEM; none by default.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TrustedAuthorities {
    /// Certificates alone, whatever else stood in the file.
    pem: String,
}

/// The file is no bundle of certificates.
#[derive(Debug, thiserror::Error)]
#[error("the CA bundle {} {problem}: use a PEM file with certificates and nothing secret", path.display())]
pub struct InvalidBundle {
    path: PathBuf,
    problem: String,
}

impl TrustedAuthorities {
    /// The authorities of the file that the environment names; none where it names none.
    ///
    /// # Errors
    /// [`InvalidBundle`] if the file can't be read or used.
    pub fn of_environment() -> Result<Self, InvalidBundle> {
        match std::env::var_os(VARIABLE) {
            Some(path) if !path.is_empty() => Self::read(Path::new(&path)),
            _ => Ok(Self::default()),
        }
    }

    /// The authorities of a file.
    ///
    /// # Errors
    /// [`InvalidBundle`] if it can't be read or used.
    pub fn read(path: &Path) -> Result<Self, InvalidBundle> {
        let refuse = |problem| InvalidBundle { path: path.to_owned(), problem };
        let text =
            std::fs::read_to_string(path).map_err(|error| refuse(format!("can't be read ({error})")))?;
        Self::parse(&text).map_err(refuse)
    }

    /// The authorities of a PEM text. Each is tried here, for clients that would panic at one.
    fn parse(text: &str) -> Result<Self, String> {
        // The bundle is copied into every namespace with accounts: a key in it would be handed to all who
        // read Secrets there.
        if text.contains("PRIVATE KEY-----") {
            return Err("contains a private key".to_owned());
        }
        let mut pem = String::new();
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            inside |= line == BEGIN;
            if inside {
                pem.push_str(line);
                pem.push('\n');
            }
            inside &= line != END;
        }
        let trust = Self { pem };
        if trust.pem.len() > LONGEST {
            return Err(format!("has more than {LONGEST} characters"));
        }
        let mut roots = RootCertStore::empty();
        for (certificate, number) in CertificateDer::pem_slice_iter(trust.pem.as_bytes()).zip(1..) {
            let usable = certificate.is_ok_and(|certificate| roots.add(certificate).is_ok());
            if !usable {
                return Err(format!("has an unusable certificate at position {number}"));
            }
        }
        if roots.is_empty() { Err("contains no certificate".to_owned()) } else { Ok(trust) }
    }

    /// True if nobody is trusted besides the system's authorities.
    pub fn is_empty(&self) -> bool {
        self.pem.is_empty()
    }

    /// The certificates as one PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificates one by one, in DER.
    pub fn certificates(&self) -> impl Iterator<Item = Vec<u8>> {
        let certificates = CertificateDer::pem_slice_iter(self.pem.as_bytes());
        certificates.filter_map(|certificate| Some(certificate.ok()?.to_vec()))
    }

    /// The same with the system's authorities before them, for clients that take all or nothing.
    pub fn with_system(&self) -> Vec<Vec<u8>> {
        let system = rustls_native_certs::load_native_certs().certs;
        let mut roots = RootCertStore::empty();
        // System stores contain certificates that rustls refuses; one of them must not cost all the others.
        let usable = system.into_iter().filter(|certificate| roots.add(certificate.clone()).is_ok());
        usable.map(|certificate| certificate.to_vec()).chain(self.certificates()).collect()
    }
}

impl fmt::Debug for TrustedAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({} certificates)", self.certificates().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = include_str!("trust/one.pem");
    const OTHER: &str = include_str!("trust/other.pem");

    #[test]
    fn certificates_are_kept_and_comments_are_not() {
        let trust =
            TrustedAuthorities::parse(&format!("# ours\n{ONE}\nwords between\n{OTHER}")).expect("a bundle");
        assert_eq!(trust.certificates().count(), 2);
        assert!(!trust.pem().contains("ours") && !trust.pem().contains("words"), "{}", trust.pem());
        assert_eq!(TrustedAuthorities::parse(trust.pem()), Ok(trust.clone()), "what is written reads back");
        assert_eq!(format!("{trust:?}"), "Trust(2 certificates)");
    }

    #[test]
    fn what_is_no_bundle_is_refused_before_any_client_has_it() {
        let broken = format!("{BEGIN}\nAAAA\n{END}\n");
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (text, problem) in [
            ("", "contains no certificate"),
            ("not PEM", "contains no certificate"),
            (broken.as_str(), "unusable certificate at position 1"),
            (&format!("{ONE}{key}"), "private key"),
            (&ONE.repeat(3000), "more than"),
        ] {
            let refused = TrustedAuthorities::parse(text).expect_err("it is no bundle");
            assert!(refused.contains(problem), "{refused}");
        }
        let missing = TrustedAuthorities::read(Path::new("/nowhere/ca.pem")).expect_err("there is none");
        assert!(missing.to_string().contains("/nowhere/ca.pem can't be read"), "{missing}");
    }
}
