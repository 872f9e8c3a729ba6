//! The handle of a running sandbox.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bill::Totals;
use crate::calls::CallLog;
use crate::clock::Clock;
use crate::deliver::{Delivery, DeliveryFailure};
use crate::fault::Faults;
use crate::s3::Object;
use crate::server;
use crate::state::{Session, Shared};
use crate::world::World;

/// A running sandbox. Dropping it closes its port and all its connections.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox on a free loopback port. Needs a Tokio runtime around it.
    #[must_use]
    pub fn start(world: World) -> Self {
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a fresh listener takes options");
        let listener = TcpListener::from_std(listener).expect("a Tokio runtime runs");
        Self::serve(world, listener).expect("a bound listener knows its address")
    }

    /// Starts a sandbox on an address of the caller's choice.
    ///
    /// # Errors
    /// When the address can't be had.
    pub async fn listen(world: World, address: SocketAddr) -> io::Result<Self> {
        Self::serve(world, TcpListener::bind(address).await?)
    }

    fn serve(world: World, listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Shared::new(world);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::serve(listener, shared.clone(), stopped));
        Ok(Self { shared, address, stop, server })
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log of answered calls.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.shared.calls
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The clock that sessions and objects live by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Reads the world.
    pub fn world<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.shared.lock().world)
    }

    /// Changes the world. Calls that are answered later see the change.
    pub fn world_mut<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.shared.lock().world)
    }

    /// Puts an object into a bucket, owned by the bucket's owner and asking nobody. The bucket need not exist yet.
    pub fn put_object(&self, bucket: &str, key: &str, body: impl Into<Bytes>) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        let owner = state.world.buckets.get(bucket).map(|bucket| bucket.owner.clone()).unwrap_or_default();
        state.objects.put(bucket, key, Object::new(body.into(), &owner, now));
    }

    /// Changes an object in place, for example its storage class or its date; whether there was one.
    pub fn change_object(&self, bucket: &str, key: &str, change: impl FnOnce(&mut Object)) -> bool {
        let mut state = self.shared.lock();
        let Some(mut object) = state.objects.get(bucket, key).cloned() else { return false };
        change(&mut object);
        state.objects.put(bucket, key, object);
        true
    }

    /// Takes an object away; whether there was one.
    pub fn delete_object(&self, bucket: &str, key: &str) -> bool {
        self.shared.lock().objects.delete(bucket, key).is_some()
    }

    /// An object as it is now.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.shared.lock().objects.get(bucket, key).cloned()
    }

    /// The keys under a prefix, in order.
    #[must_use]
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.shared.lock().objects.with_prefix(bucket, prefix).map(|(key, _)| key.clone()).collect()
    }

    /// The keys that uploads in parts are under way to: no listing of objects shows them.
    #[must_use]
    pub fn uploads(&self) -> Vec<String> {
        self.shared.lock().objects.uploads.values().map(|upload| upload.key.clone()).collect()
    }

    /// Ends all sessions now: their next use gives ExpiredToken.
    pub fn expire_sessions(&self) {
        let now = self.shared.clock.now();
        self.shared
            .lock()
            .sessions
            .values_mut()
            .for_each(|session| session.expires = session.expires.min(now));
    }

    /// Every secret key and token of the sessions issued so far, for a test that searches for them where they must not be.
    #[must_use]
    pub fn session_secrets(&self) -> Vec<String> {
        let state = self.shared.lock();
        let of = |session: &Session| [session.secret.expose().to_owned(), session.token.expose().to_owned()];
        state.sessions.values().flat_map(of).collect()
    }

    /// Key id, secret key and token of the sessions issued so far, for a test that hands one on as people's tools do.
    #[must_use]
    pub fn session_keys(&self) -> Vec<[String; 3]> {
        let state = self.shared.lock();
        let of = |(id, session): (&String, &Session)| {
            [id.clone(), session.secret.expose().to_owned(), session.token.expose().to_owned()]
        };
        state.sessions.iter().map(of).collect()
    }

    /// Delivers a bill as AWS does, and gives its exact totals.
    ///
    /// # Errors
    /// [`DeliveryFailure`] when there is no such definition or its bucket refuses.
    pub fn deliver(&self, delivery: &Delivery) -> Result<Totals, DeliveryFailure> {
        delivery.make(&self.shared)
    }

    /// Makes the first delivery of every export that was created within a day and has none, and says what came of each.
    pub fn deliver_first(&self) -> Vec<(Delivery, Result<Totals, DeliveryFailure>)> {
        let due = Delivery::first_ones(&self.shared.lock(), self.shared.clock.now());
        due.into_iter().map(|delivery| (delivery.clone(), self.deliver(&delivery))).collect()
    }

    /// Stops taking connections and waits for those under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // The server's own failure would be a panic, which has been printed.
        (&mut self.server).await.ok();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
