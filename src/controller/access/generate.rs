//! The external ID that the operator makes where an account asks for it: once, random, and never changed.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    ResourceExt,
    api::{Api, PostParams},
};

use crate::{
    api::{GENERATED_FOR, USE_EXTERNAL_ID},
    controller::{
        context::{Context, ObjectOwner, own_secret},
        error::{Refused, is_taken, refusal},
        events::{Notice, NoticeKind},
        validate::RoleInput,
    },
    model::Reason,
};

/// Creates the declared Secret; the word about it, or `None` if there is one of that name already.
///
/// It has no owner: whoever deletes the account and applies it again keeps the value that the role's trust policy names.
///
/// # Errors
/// [`Refused`] where the API server does not take it.
pub async fn make_external_id(
    context: &Context,
    owner: &ObjectOwner,
    access: &RoleInput,
) -> Result<Option<Notice>, Refused> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &owner.namespace);
    match api.create(&PostParams::default(), &new_secret(owner, access, rand::random())).await {
        Ok(_) => Ok(Some(made_notice(owner, access))),
        Err(error) if is_taken(&error) => Ok(None),
        Err(error) => {
            let what =
                format!("the Secret {}, in which the operator makes the external ID", access.secret.name);
            Err(refusal::write(&what, &owner.namespace, error))
        }
    }
}

fn new_secret(owner: &ObjectOwner, access: &RoleInput, random: [u8; 16]) -> Secret {
    let id = ByteString(format!("awscost-{}", hex::encode(random)).into_bytes());
    let data = BTreeMap::from([(access.secret.key.clone(), id)]);
    let mut secret =
        own_secret(&owner.namespace, &access.secret.name, ("external-id", USE_EXTERNAL_ID), data);
    secret.annotations_mut().insert(GENERATED_FOR.to_owned(), owner.name.clone());
    secret.immutable = Some(true);
    secret
}

/// Where an account's external ID is, for whoever has to put it into a trust policy; how to read it where nobody but the
/// operator has seen it yet.
pub fn describe_place(namespace: &str, access: &RoleInput) -> String {
    let name = &access.secret.name;
    if access.generate {
        format!("Secret {name} ({} shows it)", command_to_read(namespace, access))
    } else {
        format!("Secret {name}")
    }
}

fn command_to_read(namespace: &str, access: &RoleInput) -> String {
    let (name, key) = (&access.secret.name, &access.secret.key);
    format!(
        "kubectl -n {namespace} get secret {name} -o go-template='{{{{index .data \"{key}\" | base64decode}}}}'"
    )
}

fn made_notice(owner: &ObjectOwner, access: &RoleInput) -> Notice {
    Notice {
        kind: NoticeKind::Normal,
        reason: Reason::ExternalIdGenerated.to_string(),
        action: "GenerateExternalId".to_owned(),
        note: format!(
            "Made an external ID in Secret {}. Read it with: {} and require it in the trust policy of {}.",
            access.secret.name,
            command_to_read(&owner.namespace, access),
            access.role
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::USE_LABEL,
        controller::validate::SecretKey,
        model::{ExternalId, RoleArn},
    };

    fn parts() -> (ObjectOwner, RoleInput) {
        let owner = ObjectOwner {
            kind: "AwsCostAccount",
            namespace: "finops".to_owned(),
            name: "acme".to_owned(),
            uid: "u".to_owned(),
        };
        let role: RoleArn = "arn:aws:iam::123456789012:role/awscost".parse().expect("a role");
        let secret = SecretKey { name: "acme-id".to_owned(), key: "externalId".to_owned() };
        (
            owner,
            RoleInput {
                role,
                secret,
                next: None,
                policy: crate::connection::ExternalIdPolicy::Enforce,
                generate: true,
            },
        )
    }

    #[test]
    fn the_secret_is_immutable_labelled_ownerless_and_holds_128_random_bits() {
        let (owner, access) = parts();
        let secret = new_secret(&owner, &access, [7; 16]);
        assert_eq!(secret.immutable, Some(true));
        assert_eq!(secret.metadata.owner_references, None);
        assert_eq!(
            secret.metadata.labels.as_ref().and_then(|labels| labels.get(USE_LABEL)).map(String::as_str),
            Some(USE_EXTERNAL_ID)
        );
        let value = &secret.data.as_ref().expect("data")["externalId"].0;
        assert_eq!(value.len(), "awscost-".len() + 32);
        assert!(ExternalId::parse(value).is_ok(), "STS takes it");
    }

    #[test]
    fn the_word_about_it_says_where_it_is_and_not_what_it_is() {
        let (owner, access) = parts();
        let note = made_notice(&owner, &access).note;
        assert!(note.contains("get secret acme-id") && note.contains("base64decode"), "{note}");
        assert!(!note.contains("awscost-0"), "{note}");
    }
}
