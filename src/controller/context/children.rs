//! Whose an object is: the one answer to that, for Jobs, their pods and session Secrets.
//!
//! A label is anybody's to write, in any namespace, and so is an owner reference, in one's own. So an object is an owner's
//! only by three things together: it lies in the owner's namespace, the owner is its controller by kind and UID, and it
//! carries the label. The stores of the watches are not to be had otherwise.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store, store::WriterDropped},
};

use crate::{
    api::GROUP,
    controller::context::{ObjectOwner, mark},
};

/// The watched objects of one kind that are made for accounts and warehouses.
#[derive(Clone)]
pub struct Children<K: Resource<DynamicType = ()> + Clone + 'static>(Store<K>);

impl<K> Children<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + 'static,
{
    /// Over a watch's store.
    pub fn new(store: Store<K>) -> Self {
        Self(store)
    }

    /// Returns once the watch has shown what is there.
    ///
    /// # Errors
    /// The watch has ended before.
    pub async fn wait_until_ready(&self) -> Result<(), WriterDropped> {
        self.0.wait_until_ready().await
    }

    /// Those of one owner.
    pub fn of(&self, owner: &ObjectOwner) -> Vec<Arc<K>> {
        self.0.state().into_iter().filter(|object| is_of(object.as_ref(), owner)).collect()
    }

    /// An owner's of this name.
    pub fn named(&self, owner: &ObjectOwner, name: &str) -> Option<Arc<K>> {
        let found = self.0.get(&ObjectRef::new(name).within(&owner.namespace))?;
        is_of(found.as_ref(), owner).then_some(found)
    }

    /// Those of every owner that `find` knows, by an object's namespace and its controller, each with its owner.
    pub fn of_all(
        &self,
        find: impl Fn(&str, &OwnerReference) -> Option<ObjectOwner>,
    ) -> Vec<(ObjectOwner, Arc<K>)> {
        let owner = |object: &K| find(object.meta().namespace.as_deref()?, controller_of(object)?);
        self.0
            .state()
            .into_iter()
            .filter_map(|object| {
                Some((owner(&object).filter(|owner| is_of(object.as_ref(), owner))?, object))
            })
            .collect()
    }

    /// Those that say they are of an owner which is not in their namespace: what one left behind.
    pub fn left_behind(&self, is_there: impl Fn(&str, &str) -> bool) -> Vec<Arc<K>> {
        let left = |object: &K| {
            let Some(namespace) = object.meta().namespace.as_deref() else { return false };
            let uids = [mark::ACCOUNT_UID, mark::WAREHOUSE_UID].map(|label| object.labels().get(label));
            uids.into_iter().flatten().any(|uid| !is_there(namespace, uid))
        };
        self.0.state().into_iter().filter(|object| left(object)).collect()
    }
}

/// True if an object is an owner's.
pub fn is_of<K: Resource<DynamicType = ()>>(object: &K, owner: &ObjectOwner) -> bool {
    object.meta().namespace.as_deref() == Some(owner.namespace.as_str())
        && object.labels().get(owner.label()) == Some(&owner.uid)
        && controller_of(object).is_some_and(|controller| {
            controller.kind == owner.kind && controller.uid == owner.uid && is_our_kind(controller)
        })
}

/// True if a Job made a pod.
pub fn made_by(pod: &Pod, job: &Job) -> bool {
    pod.metadata.namespace == job.metadata.namespace
        && controller_of(pod).is_some_and(|controller| {
            controller.kind == "Job" && Some(&controller.uid) == job.metadata.uid.as_ref()
        })
}

/// The pods that a Job made.
pub fn pods_of(job: &Job, pods: &[Pod]) -> Vec<Pod> {
    pods.iter().filter(|pod| made_by(pod, job)).cloned().collect()
}

/// An object's controller.
pub fn controller_of<K: Resource<DynamicType = ()>>(object: &K) -> Option<&OwnerReference> {
    object.owner_references().iter().find(|owner| owner.controller == Some(true))
}

fn is_our_kind(owner: &OwnerReference) -> bool {
    owner.api_version.split_once('/').is_some_and(|(group, _)| group == GROUP)
}

#[cfg(test)]
pub mod tests {
    use kube::runtime::{reflector, watcher::Event};
    use serde_json::{Value, json};

    use super::*;

    /// A store that shows these objects.
    pub fn shown<K>(objects: &[Value]) -> Store<K>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + serde::de::DeserializeOwned + 'static,
    {
        let (store, mut writer) = reflector::store();
        for object in objects {
            let object = serde_json::from_value(object.clone()).expect("an object");
            writer.apply_watcher_event(&Event::Apply(object));
        }
        store
    }

    /// An account by its UID.
    pub fn account(namespace: &str, uid: &str) -> ObjectOwner {
        ObjectOwner {
            kind: "AwsCostAccount",
            namespace: namespace.to_owned(),
            name: "acme".to_owned(),
            uid: uid.to_owned(),
        }
    }

    /// An object as the operator makes it for an account.
    pub fn made_for(owner: &ObjectOwner, name: &str) -> Value {
        json!({"metadata": {
            "namespace": owner.namespace, "name": name, "uid": format!("{name}-uid"),
            "labels": {owner.label(): owner.uid},
            "ownerReferences": [{
                "apiVersion": "awscost.io/v1alpha1", "kind": owner.kind, "name": owner.name, "uid": owner.uid,
                "controller": true
            }]
        }})
    }

    /// The same with something else in its metadata.
    fn but(owner: &ObjectOwner, name: &str, pointer: &str, value: Value) -> Value {
        let mut object = made_for(owner, name);
        *object.pointer_mut(pointer).expect("what is replaced is there") = value;
        object
    }

    #[test]
    fn namespace_controller_and_label_make_an_object_an_owners_and_none_of_them_alone() {
        let owner = account("finops", "u");
        let reference = "/metadata/ownerReferences/0";
        let jobs = Children::<Job>::new(shown(&[
            made_for(&owner, "ours"),
            but(&owner, "of-another-namespace", "/metadata/namespace", json!("elsewhere")),
            but(&owner, "with-another-label", "/metadata/labels", json!({"awscost.io/account-uid": "v"})),
            but(&owner, "without-an-owner", "/metadata/ownerReferences", json!([])),
            but(&owner, "of-another-uid", &format!("{reference}/uid"), json!("v")),
            but(&owner, "of-another-kind", &format!("{reference}/kind"), json!("CostWarehouse")),
            but(&owner, "of-another-group", &format!("{reference}/apiVersion"), json!("example.com/v1")),
            but(&owner, "not-controlled", &format!("{reference}/controller"), json!(false)),
        ]));
        let names = |jobs: Vec<Arc<Job>>| jobs.iter().map(|job| job.name_any()).collect::<Vec<_>>();
        assert_eq!(names(jobs.of(&owner)), ["ours"]);
        assert!(jobs.named(&owner, "ours").is_some());
        for name in ["with-another-label", "without-an-owner", "of-another-uid", "not-controlled"] {
            assert!(jobs.named(&owner, name).is_none(), "{name}");
        }
        let everybody = jobs.of_all(|namespace, _| Some(account(namespace, "u")));
        let mut found: Vec<String> = everybody.iter().map(|(_, job)| job.name_any()).collect();
        found.sort();
        assert_eq!(found, ["of-another-namespace", "ours"], "each in its own namespace");
        assert_eq!(names(jobs.of(&account("finops", "v"))), Vec::<String>::new());
    }

    #[test]
    fn a_pod_is_a_jobs_by_its_controller_and_not_by_a_label() {
        let job: Job = serde_json::from_value(made_for(&account("finops", "u"), "load")).expect("a Job");
        let pod = |uid: &str, namespace: &str| -> Pod {
            serde_json::from_value(json!({"metadata": {
                "namespace": namespace, "name": "p", "labels": {"batch.kubernetes.io/job-name": "load"},
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "load", "uid": uid, "controller": true}]
            }}))
            .expect("a pod")
        };
        let mut bare = pod("load-uid", "finops");
        bare.metadata.owner_references = None;
        assert!(made_by(&pod("load-uid", "finops"), &job));
        assert_eq!(pods_of(&job, &[bare, pod("another", "finops"), pod("load-uid", "elsewhere")]), []);
    }
}
