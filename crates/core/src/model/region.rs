//! AWS region names: a shape, not a list, so that new regions need no release.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    Partition,
    checked_text::checked_text,
    form::{Form, must},
};

/// The form of a region's name.
pub const REGION: Form = Form {
    longest: 32,
    rules: &[must(
        "^[a-z]+(-[a-z]+){1,3}-[0-9]{1,2}$",
        "it takes a region's name as AWS writes it, such as eu-west-1",
    )],
};

/// A region such as `eu-west-1`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// The text is not an AWS region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an AWS region: it looks like eu-west-1")]
pub struct InvalidRegion(String);

checked_text!(Region, InvalidRegion);

impl Region {
    /// The partition the region lies in, by its first word (docs/aws-facts.md 11).
    pub fn partition(&self) -> Partition {
        let lies_in = |partition: &Partition| {
            partition.region_prefix().is_some_and(|prefix| self.0.starts_with(prefix))
        };
        Partition::ALL.into_iter().find(lies_in).unwrap_or(Partition::Aws)
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match REGION.check(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => Err(InvalidRegion(text.chars().take(40).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition() {
        for partition in Partition::ALL {
            let home: Region = partition.home_region().parse().expect("a region");
            assert_eq!(home.partition(), partition, "{home}");
        }
        for (region, partition) in [
            ("eu-central-1", Partition::Aws),
            ("us-west-2", Partition::Aws),
            ("cn-north-1", Partition::AwsCn),
            ("us-gov-east-1", Partition::AwsUsGov),
            ("us-iso-west-1", Partition::AwsIso),
            ("us-isob-west-1", Partition::AwsIsoB),
            ("us-isof-east-1", Partition::AwsIsoF),
        ] {
            assert_eq!(region.parse::<Region>().expect(region).partition(), partition);
        }
    }

    #[test]
    fn regions_of_every_partition() {
        for good in ["us-east-1", "cn-northwest-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-7"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in ["", "us-east", "US-EAST-1", "us_east_1", "us-east-1a", "us-east-111", "a/b-1"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
