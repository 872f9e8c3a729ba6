//! Stores that do something else than they are asked: what some S3 look-alikes and file systems do, and what networks do.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use tokio::sync::{Barrier, Notify};

/// What becomes of a write that is asked for only where there is nothing yet.
#[derive(Debug)]
pub(super) enum Manner {
    /// It is taken, whatever is there.
    Careless,
    /// As careless; those of the version with this name are done when all writers have come, and answered when all are done.
    Together(&'static str, Barrier),
    /// It is refused, by a store that does not know the condition.
    Unknown,
    /// It is refused, by a file system without hard links.
    NoLinks,
    /// The first of the version with this name is done, and its answer lost: the client writes again, and finds it there.
    AnswerLost(&'static str, LostAnswer),
}

/// An answer that is held back before it is lost.
#[derive(Debug, Default)]
pub(super) struct LostAnswer {
    pub(super) landed: Notify,
    pub(super) go_on: Notify,
    struck: AtomicBool,
}

#[derive(Debug)]
pub(super) struct CarelessStore {
    pub(super) inner: Arc<InMemory>,
    pub(super) manner: Manner,
}

impl CarelessStore {
    pub(super) fn new(manner: Manner) -> Self {
        Self { inner: Arc::default(), manner }
    }
}

impl fmt::Display for CarelessStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("careless")
    }
}

fn refused(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "careless", source: source.into() }
}

#[async_trait::async_trait]
impl ObjectStore for CarelessStore {
    async fn put_opts(&self, key: &Path, content: PutPayload, options: PutOptions) -> Result<PutResult> {
        let condition = options.mode == PutMode::Create;
        let is = |name: &str| condition && key.as_ref().ends_with(name);
        let anyway = PutOptions { mode: PutMode::Overwrite, ..options.clone() };
        match &self.manner {
            Manner::Careless => self.inner.put_opts(key, content, anyway).await,
            Manner::Together(name, barrier) => {
                // One that comes later would see the others' version, and write the next.
                if is(name) {
                    barrier.wait().await;
                }
                let put = self.inner.put_opts(key, content, anyway).await;
                if is(name) {
                    barrier.wait().await;
                }
                put
            }
            Manner::Unknown if condition => Err(refused("<Error><Code>NotImplemented</Code></Error>")),
            Manner::NoLinks if condition => Err(refused(io::Error::from(io::ErrorKind::PermissionDenied))),
            Manner::AnswerLost(name, lost) if is(name) && !lost.struck.swap(true, Ordering::Relaxed) => {
                self.inner.put_opts(key, content, options).await?;
                lost.landed.notify_one();
                lost.go_on.notified().await;
                Err(Error::AlreadyExists { path: key.to_string(), source: "it is there".into() })
            }
            Manner::Unknown | Manner::NoLinks | Manner::AnswerLost(..) => {
                self.inner.put_opts(key, content, options).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(key, options).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
