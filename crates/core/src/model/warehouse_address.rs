//! Where a warehouse lies: one value, whether a CostWarehouse says it or the command line. It knows how to say itself on a
//! command line again, which is how the operator tells a Job.

use std::{fmt, str::FromStr};

use url::Url;

use super::{
    DeltaLocation, InvalidDeltaLocation, Region,
    place::{CLAIM, ENDPOINT},
};

/// Where a warehouse lies: its backend, and what that takes to be found. Who opens it is no part of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarehouseAddress {
    /// Delta Lake in a folder or a bucket.
    Delta(Box<DeltaAddress>),
    /// Rows in the memory of a test, by a name: so that no other backend is built in anywhere.
    #[cfg(any(test, feature = "testing"))]
    Memory(String),
}

/// Where a Delta warehouse lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaAddress {
    /// The folder or prefix that holds its tables.
    pub location: DeltaLocation,
    /// How its bucket is reached; says nothing for a folder.
    pub bucket: BucketAddress,
}

/// How a warehouse's bucket is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketAddress {
    /// Its region.
    pub region: Option<Region>,
    /// The store that is asked, where it is not AWS's own in the region.
    pub endpoint: Option<StoreEndpoint>,
    /// True if requests name the bucket in the path instead of in the host name.
    pub path_style: bool,
}

impl BucketAddress {
    /// This, and of `other` what this does not say.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            region: self.region.or(other.region),
            endpoint: self.endpoint.or(other.endpoint),
            path_style: self.path_style || other.path_style,
        }
    }
}

/// What a Job has to be given so that it can open a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarehouseAccess {
    /// The volume of this claim, mounted at [`CLAIM`].
    Claim(String),
    /// The keys in this Secret, mounted as files.
    Secret(String),
    /// The identity of this service account.
    ServiceAccount(String),
}

impl WarehouseAccess {
    /// The Secret whose keys open it, if any.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(name) => Some(name),
            Self::Claim(_) | Self::ServiceAccount(_) => None,
        }
    }

    /// The claim that it lies on, if any.
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Claim(name) => Some(name),
            Self::Secret(_) | Self::ServiceAccount(_) => None,
        }
    }

    /// The service account that Jobs run as; the namespace's default one has no rights.
    pub fn service_account(&self) -> &str {
        match self {
            Self::ServiceAccount(name) => name,
            Self::Claim(_) | Self::Secret(_) => "default",
        }
    }

    /// The path that the claim is mounted at.
    pub fn mount_path() -> &'static str {
        CLAIM
    }
}

/// The text names no warehouse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWarehouseAddress {
    /// It does not begin with a backend.
    #[error("a warehouse is delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX")]
    Backend,
    /// What stands behind the backend is no location of it.
    #[error(transparent)]
    Location(#[from] InvalidDeltaLocation),
}

impl FromStr for WarehouseAddress {
    type Err = InvalidWarehouseAddress;

    /// `BACKEND:LOCATION`, as `--warehouse` takes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("delta", location)) => {
                let (location, bucket) = (location.parse()?, BucketAddress::default());
                Ok(Self::Delta(Box::new(DeltaAddress { location, bucket })))
            }
            #[cfg(any(test, feature = "testing"))]
            Some(("memory", name)) => Ok(Self::Memory(name.to_owned())),
            _ => Err(InvalidWarehouseAddress::Backend),
        }
    }
}

/// The location alone, for people.
impl fmt::Display for WarehouseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta(delta) => write!(f, "{}", delta.location),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(name) => f.write_str(name),
        }
    }
}

/// An option of a command line: its name, and its value if it takes one.
pub type CommandOption = (&'static str, Option<String>);

impl WarehouseAddress {
    /// How its bucket is reached, if it lies in one.
    pub fn bucket(&self) -> Option<&BucketAddress> {
        match self {
            Self::Delta(delta) => Some(&delta.bucket).filter(|_| delta.location.is_bucket()),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => None,
        }
    }

    /// The same, with a bucket that is reached as it is said here, and for the rest as the address says.
    #[must_use]
    pub fn reached_over(mut self, given: BucketAddress) -> Self {
        match &mut self {
            Self::Delta(delta) => delta.bucket = given.or(std::mem::take(&mut delta.bucket)),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => {}
        }
        self
    }

    /// The value of `--warehouse` that means it, from any directory.
    pub fn flag(&self) -> String {
        match self {
            Self::Delta(delta) => format!("delta:{}", delta.location.written()),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(name) => format!("memory:{name}"),
        }
    }

    /// The options of a command that opens it, but for those that say who does.
    pub fn options(&self) -> Vec<CommandOption> {
        let mut options = vec![("--warehouse", Some(self.flag()))];
        if let Some(BucketAddress { region, endpoint, path_style }) = self.bucket() {
            options.extend(region.iter().map(|region| ("--warehouse-region", Some(region.to_string()))));
            options
                .extend(endpoint.iter().map(|endpoint| ("--warehouse-endpoint", Some(endpoint.to_string()))));
            options.extend(path_style.then_some(("--warehouse-path-style", None)));
        }
        options
    }
}

/// The address of an S3-compatible store, in the form that [`ENDPOINT`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEndpoint {
    text: String,
    url: Url,
}

impl StoreEndpoint {
    /// As a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for StoreEndpoint {
    type Err = String;

    /// The text is what counts: a URL would be put straight first, such as 10.0.1 to 10.0.0.1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ENDPOINT.check(text)?;
        let url = Url::parse(text).map_err(|_| "it is no URL".to_owned())?;
        Ok(Self { text: text.to_owned(), url })
    }
}

impl fmt::Display for StoreEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_itself_on_a_command_line_as_it_was_said() {
        for text in ["delta:s3://lake/-costs", "delta:file:///warehouse/costs/", "memory:lake"] {
            let address: WarehouseAddress = text.parse().expect("an address");
            assert_eq!(address.flag(), text);
        }
        let here: WarehouseAddress = "delta:./lake".parse().expect("an address");
        let folder = std::env::current_dir().expect("a working directory").join("lake");
        assert_eq!(here.flag(), format!("delta:{}", folder.display()), "from wherever it is read");
        for bad in ["/lake", "postgres:x", "delta:", "delta:gs://b/x", "delta:s3://UPPER"] {
            assert!(bad.parse::<WarehouseAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_brings_its_options_and_a_folder_none() {
        let given = BucketAddress {
            region: "eu-west-1".parse().ok(),
            endpoint: "http://store:9000".parse().ok(),
            path_style: true,
        };
        let reached = |text: &str| {
            let address: WarehouseAddress = text.parse().expect("an address");
            address.reached_over(given.clone()).options()
        };
        let bucket = [
            ("--warehouse", Some("delta:s3://lake".to_owned())),
            ("--warehouse-region", Some("eu-west-1".to_owned())),
            ("--warehouse-endpoint", Some("http://store:9000".to_owned())),
            ("--warehouse-path-style", None),
        ];
        assert_eq!(reached("delta:s3://lake"), bucket);
        assert_eq!(reached("delta:/lake"), [("--warehouse", Some("delta:/lake".to_owned()))]);
    }
}
