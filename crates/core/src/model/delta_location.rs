//! Where the tables of a Delta warehouse lie: a folder, or a prefix of a bucket.

use std::{path::PathBuf, str::FromStr};

use url::Url;

use super::{BucketName, place::LOCATION};

/// A folder or an S3 prefix that holds tables such as `costs` and `tag_keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaLocation {
    place: DeltaPlace,
    written: String,
    /// With a slash at its end, so that tables join below it.
    url: Url,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DeltaPlace {
    Folder(PathBuf),
    Bucket(BucketName),
}

/// The text is not a location of a Delta warehouse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a warehouse location: {problem}")]
pub struct InvalidDeltaLocation {
    text: String,
    problem: String,
}

impl DeltaLocation {
    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&PathBuf> {
        match &self.place {
            DeltaPlace::Folder(path) => Some(path),
            DeltaPlace::Bucket(_) => None,
        }
    }

    /// The bucket, if it lies in one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match &self.place {
            DeltaPlace::Folder(_) => None,
            DeltaPlace::Bucket(bucket) => Some(bucket),
        }
    }

    /// As it was written; a folder that was written as a path, from the root on.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The address, which ends in a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// True if it is an S3 prefix, which takes a region and credentials.
    pub fn is_bucket(&self) -> bool {
        matches!(self.place, DeltaPlace::Bucket(_))
    }

    /// A location below this one; `name` is made of plain characters and slashes.
    pub fn below(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{name}/", self.url.path()));
        let written = format!("{}/{name}", self.written.trim_end_matches('/'));
        let place = match &self.place {
            DeltaPlace::Folder(path) => DeltaPlace::Folder(path.join(name)),
            DeltaPlace::Bucket(bucket) => DeltaPlace::Bucket(bucket.clone()),
        };
        Self { place, written, url }
    }

    fn of_folder(path: PathBuf, written: String) -> Option<Self> {
        let url = Url::from_directory_path(&path).ok()?;
        Some(Self { place: DeltaPlace::Folder(path), written, url })
    }
}

impl FromStr for DeltaLocation {
    type Err = InvalidDeltaLocation;

    /// `s3://bucket/prefix`, `file:///folder`, both in the form that [`LOCATION`] gives them, or a path, taken from the
    /// working directory if it is relative.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem: &str| InvalidDeltaLocation {
            text: text.chars().take(200).collect(),
            problem: problem.to_owned(),
        };
        if !text.contains("://") {
            if text.is_empty() {
                return Err(refuse("it is empty"));
            }
            let path = std::path::absolute(text).map_err(|_| refuse("there is no working directory"))?;
            if has_escape(&path) {
                return Err(refuse(
                    "a folder on its path has % and two digits in its name, which the store would read as another character: \
                     rename it, or take another folder",
                ));
            }
            let written = path.display().to_string();
            return Self::of_folder(path, written).ok_or_else(|| refuse("the path is not absolute"));
        }
        LOCATION.check(text).map_err(|words| refuse(&words))?;
        let Some(rest) = text.strip_prefix("s3://") else {
            let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
            return Self::of_folder(path, text.to_owned()).ok_or_else(|| refuse("the path is not absolute"));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket: BucketName = bucket.parse().map_err(|error| refuse(&format!("{error}")))?;
        let prefix = prefix.trim_end_matches('/');
        let path = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let url = Url::parse(&format!("s3://{bucket}/{path}")).map_err(|_| refuse("it is no URL"))?;
        Ok(Self { place: DeltaPlace::Bucket(bucket), written: text.to_owned(), url })
    }
}

/// True if something on the path looks like an escaped character of a URL. What reads and writes the table would decode it once
/// more than it was encoded, and look elsewhere.
fn has_escape(path: &std::path::Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.windows(3).any(|at| at[0] == b'%' && at[1].is_ascii_hexdigit() && at[2].is_ascii_hexdigit())
}

impl std::fmt::Display for DeltaLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        for (text, url) in [
            ("s3://acme-lake", "s3://acme-lake"),
            ("s3://acme-lake/a/b/", "s3://acme-lake/a/b"),
            ("file:///var/lake", "file:///var/lake"),
            ("/var/my lake", "file:///var/my%20lake"),
            ("/var/100% lake", "file:///var/100%25%20lake"),
        ] {
            assert_eq!(text.parse::<DeltaLocation>().map(|l| l.to_string()).as_deref(), Ok(url), "{text}");
        }
        for bad in [
            "",
            "s3://",
            "s3://B",
            "s3://abc//x",
            "s3://abc/../x",
            "s3://10.0.0.1/x",
            "file://host/x",
            "gs://abc/x",
            "/var/my%20lake",
            "/var/a%2Fb/lake",
        ] {
            assert!(bad.parse::<DeltaLocation>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_relative_path_starts_at_the_working_directory() {
        let here = std::env::current_dir().expect("a working directory");
        let location: DeltaLocation = "./lake".parse().expect("valid");
        assert_eq!(location.folder(), Some(&here.join("lake")));
    }
}
