//! Proxies as the environment names them: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and what `NO_PROXY` keeps from them.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// Variables that name a proxy. Of each, the first that is set counts.
const PROXIES: [&[&str]; 3] =
    [&["HTTPS_PROXY", "https_proxy"], &["HTTP_PROXY", "http_proxy"], &["ALL_PROXY", "all_proxy"]];
/// Variables that keep hosts from the proxy.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// No proxy reaches these: the machine itself, and the addresses on the link at which AWS serves credentials (the
/// instance metadata service, ECS, EKS Pod Identity). A proxy that did would be given credentials to carry.
const NEVER: [&str; 8] = [
    "localhost",
    "127.0.0.0/8",
    "::1",
    "169.254.169.254",
    "fd00:ec2::254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
];
/// Names inside a cluster.
const IN_CLUSTER: [&str; 2] = [".svc", ".cluster.local"];
/// The API server's address, in every pod.
const API_SERVER: &str = "KUBERNETES_SERVICE_HOST";

/// What `NO_PROXY` must be, if it is not so already: the user's entries in the form that every client understands, and
/// the addresses that no proxy reaches. `None` without a proxy.
pub fn complete_no_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    PROXIES.into_iter().find_map(&set)?;
    let given = set(&NO_PROXY).unwrap_or_default();
    let mut entries: Vec<String> = Vec::new();
    let mut add = |entry: &str| {
        if !entry.is_empty() && !entries.iter().any(|known| known == entry) {
            entries.push(entry.to_owned());
        }
    };
    given.split(|c: char| c == ',' || c.is_whitespace()).filter_map(understood_entry).for_each(&mut add);
    NEVER.into_iter().for_each(&mut add);
    if let Some(server) = variable(API_SERVER) {
        add(&server);
        IN_CLUSTER.into_iter().for_each(&mut add);
    }
    // Some clients take `*` only as the whole list.
    let complete = if entries.iter().any(|entry| entry == "*") { "*".to_owned() } else { entries.join(",") };
    (variable(NO_PROXY[0]).as_deref() != Some(complete.as_str())).then_some(complete)
}

/// An entry as all clients take it: `*.example.com` is `.example.com`. One that kube would refuse the whole list for
/// (a path that is no range of addresses) is left out.
fn understood_entry(entry: &str) -> Option<&str> {
    let entry = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
    let range = entry.split_once('/').map(|(address, _)| address.parse::<std::net::IpAddr>().is_ok());
    range.unwrap_or(true).then_some(entry)
}

/// The proxy that the environment names for an `https` address; `None` where `NO_PROXY` keeps it from one.
pub fn of_https(address: &Uri, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let proxy = set(PROXIES[0])?;
    let matcher = Matcher::builder().all(proxy.clone()).no(set(&NO_PROXY).unwrap_or_default()).build();
    // curl and Go accept a proxy without a scheme and take it for http; hyper's matcher keeps it as written.
    let plain = !proxy.contains("://");
    matcher.intercept(address).map(|_| if plain { format!("http://{proxy}") } else { proxy })
}

/// The variable that names a SOCKS proxy for AWS: its clients speak to HTTP proxies alone.
pub fn socks_variable(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let mut names = PROXIES.into_iter().flatten().copied();
    names.find(|name| variable(name).is_some_and(|proxy| proxy.starts_with("socks")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(pairs: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    const PROXY: (&str, &str) = ("HTTPS_PROXY", "http://proxy:3128");

    #[test]
    fn without_a_proxy_nothing_is_set() {
        assert_eq!(complete_no_proxy(of(&[])), None);
        assert_eq!(
            complete_no_proxy(of(&[("NO_PROXY", "a"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")])),
            None
        );
    }

    #[test]
    fn credentials_are_never_asked_for_through_a_proxy() {
        let no_proxy = complete_no_proxy(of(&[PROXY])).expect("a list");
        assert_eq!(
            no_proxy,
            "localhost,127.0.0.0/8,::1,169.254.169.254,fd00:ec2::254,169.254.170.2,169.254.170.23,fd00:ec2::23"
        );
        let set = [PROXY, ("NO_PROXY", no_proxy.as_str())];
        assert_eq!(complete_no_proxy(of(&set)), None, "a complete list is left as it is");
    }

    #[test]
    fn in_a_pod_the_cluster_is_not_reached_through_a_proxy() {
        let pod = [PROXY, ("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("no_proxy", "minio.finops")];
        let no_proxy = complete_no_proxy(of(&pod)).expect("a list");
        assert!(no_proxy.starts_with("minio.finops,localhost,"), "{no_proxy}");
        assert!(no_proxy.ends_with(",10.96.0.1,.svc,.cluster.local"), "{no_proxy}");
        for (address, proxied) in [
            ("https://10.96.0.1:443", false),
            ("https://kubernetes.default.svc", false),
            ("https://minio.finops:9000", false),
            ("https://[fd00:ec2::23]", false),
            ("https://sts.eu-west-1.amazonaws.com", true),
        ] {
            let set = [PROXY, ("NO_PROXY", no_proxy.as_str())];
            let address = address.parse().expect("an address");
            assert_eq!(of_https(&address, of(&set)).is_some(), proxied, "{address}");
        }
    }

    #[test]
    fn what_one_client_takes_all_take() {
        let given = |list| complete_no_proxy(of(&[PROXY, ("NO_PROXY", list)])).expect("a list");
        for (list, first) in [
            ("*.corp.example, 10.0.0.0/8,", ".corp.example,10.0.0.0/8,localhost"),
            ("a.example b.example", "a.example,b.example,localhost"),
            ("no/host,c.example", "c.example,localhost"),
        ] {
            assert!(given(list).starts_with(first), "{list}: {}", given(list));
        }
        assert_eq!(given("a.example,*"), "*");
    }

    #[test]
    fn a_proxy_without_a_scheme_speaks_http() {
        let address = "https://api.example.com:6443".parse().expect("an address");
        assert_eq!(
            of_https(&address, of(&[("https_proxy", "proxy:3128")])).as_deref(),
            Some("http://proxy:3128")
        );
    }

    #[test]
    fn a_socks_proxy_for_aws_is_told() {
        assert_eq!(socks_variable(of(&[("https_proxy", "socks5://127.0.0.1:1080")])), Some("https_proxy"));
        assert_eq!(socks_variable(of(&[PROXY])), None);
    }
}
