//! The quick-create link: the console's page for a stack, filled in (docs/aws-facts.md 6.1).
//!
//! It holds no external ID: a parameter that is not echoed can't be prefilled, and a link is passed around.

use std::fmt::Write;

use url::{Host, Url};

use super::{PrincipalArn, cloudformation::PRINCIPAL_PARAMETER};
use crate::model::Partition;

/// Where a template lies that the console can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateUrl(Url);

/// The name of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackName(String);

/// Why there is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// The console reads templates from S3 only.
    #[error(
        "the console reads templates from S3 only: put the template into a bucket that the account's owner can read, and give https://BUCKET.s3.REGION.amazonaws.com/KEY"
    )]
    Url,
    /// Not a stack's name.
    #[error("a stack's name takes 1 to 128 letters, digits and -, starting with a letter")]
    Name,
    /// The partition's console is not known.
    #[error("the console of the partition {0} is not known: create the stack from the template instead")]
    Console(&'static str),
}

impl std::str::FromStr for TemplateUrl {
    type Err = LinkFault;

    fn from_str(text: &str) -> Result<Self, LinkFault> {
        let url = Url::parse(text).map_err(|_| LinkFault::Url)?;
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let Some(Host::Domain(host)) = url.host() else { return Err(LinkFault::Url) };
        let suffixes = Partition::ALL.map(Partition::dns_suffix);
        let service = suffixes.iter().find_map(|suffix| host.strip_suffix(&format!(".{suffix}")));
        // `s3`, `s3.REGION` and `s3-REGION`, with or without a bucket in front.
        let of_s3 = service.is_some_and(|name| {
            name.split('.').rev().take(2).any(|label| label == "s3" || label.starts_with("s3-"))
        });
        if plain && of_s3 && url.path().len() > 1 { Ok(Self(url)) } else { Err(LinkFault::Url) }
    }
}

impl std::str::FromStr for StackName {
    type Err = LinkFault;

    fn from_str(text: &str) -> Result<Self, LinkFault> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if plain && starts && text.len() <= 128 { Ok(Self(text.to_owned())) } else { Err(LinkFault::Name) }
    }
}

/// The link that opens the console with everything filled in but the external ID and the box for the capability.
///
/// # Errors
/// [`LinkFault::Console`] for a partition whose console is not known.
pub fn quick_create(
    partition: Partition,
    region: &str,
    template: &TemplateUrl,
    stack: &StackName,
    principal: &PrincipalArn,
) -> Result<String, LinkFault> {
    let console = match partition {
        Partition::Aws => "console.aws.amazon.com",
        Partition::AwsCn => "console.amazonaws.cn",
        Partition::AwsUsGov => "console.amazonaws-us-gov.com",
        Partition::AwsEusc
        | Partition::AwsIso
        | Partition::AwsIsoB
        | Partition::AwsIsoE
        | Partition::AwsIsoF => return Err(LinkFault::Console(partition.as_str())),
    };
    let parameters = [
        ("templateURL", template.0.as_str()),
        ("stackName", &stack.0),
        (&format!("param_{PRINCIPAL_PARAMETER}"), principal.as_str()),
    ];
    let parameters: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let region = percent_encoded(region);
    Ok(format!(
        "https://{console}/cloudformation/home?region={region}#/stacks/create/review?{}",
        parameters.join("&")
    ))
}

/// Everything but RFC 3986's unreserved characters, so that a value can't end or add a parameter.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes everything");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str =
        "https://acme-templates.s3.eu-west-1.amazonaws.com/awscost/a%20b.yaml?versionId=x&y";

    fn link(partition: Partition, principal: &str) -> Result<String, LinkFault> {
        quick_create(
            partition,
            "us-east-1",
            &TEMPLATE.parse().expect("a template"),
            &"awscost".parse().expect("a name"),
            &principal.parse().expect("a principal"),
        )
    }

    #[test]
    fn values_are_encoded_whole() {
        let link = link(Partition::Aws, "arn:aws:iam::999988887777:role/a+b,c=d@e").expect("a link");
        assert_eq!(
            link,
            "https://console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review\
             ?templateURL=https%3A%2F%2Facme-templates.s3.eu-west-1.amazonaws.com%2Fawscost%2Fa%2520b.yaml%3FversionId%3Dx%26y\
             &stackName=awscost\
             &param_PrincipalArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Fa%2Bb%2Cc%3Dd%40e"
        );
    }

    #[test]
    fn each_partition_has_its_console() {
        let host = |partition: Partition| {
            let principal = format!("arn:{}:iam::999988887777:role/awscost", partition.as_str());
            link(partition, &principal).map(|link| link.split('/').nth(2).unwrap_or_default().to_owned())
        };
        assert_eq!(host(Partition::AwsCn).as_deref(), Ok("console.amazonaws.cn"));
        assert_eq!(host(Partition::AwsUsGov).as_deref(), Ok("console.amazonaws-us-gov.com"));
        assert_eq!(host(Partition::AwsEusc), Err(LinkFault::Console("aws-eusc")));
        assert_eq!(host(Partition::AwsIsoB), Err(LinkFault::Console("aws-iso-b")));
    }

    #[test]
    fn only_s3_serves_templates() {
        for good in [
            TEMPLATE,
            "https://s3.amazonaws.com/acme/a.yaml",
            "https://s3.eu-west-1.amazonaws.com/acme/a.yaml",
            "https://acme.s3-eu-west-1.amazonaws.com/a.yaml",
            "https://a.b.s3.cn-north-1.amazonaws.com.cn/a.yaml",
        ] {
            assert!(good.parse::<TemplateUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://acme.s3.eu-west-1.amazonaws.com/a.yaml",
            "https://raw.githubusercontent.com/acme/a.yaml",
            "https://s3.amazonaws.com.evil.example/a.yaml",
            "https://evil-amazonaws.com/s3/a.yaml",
            "https://ec2.amazonaws.com/a.yaml",
            "https://s3.amazonaws.com/",
            "https://user@s3.amazonaws.com/a/b",
            "data:text/plain,a",
        ] {
            assert!(bad.parse::<TemplateUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn stack_names() {
        for bad in ["", "1a", "a_b", "a b", &"a".repeat(129)] {
            assert!(bad.parse::<StackName>().is_err(), "{bad}");
        }
    }
}
