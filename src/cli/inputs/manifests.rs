//! Manifests for commands that work on them without a cluster: files, folders and standard input, whose documents of our
//! kinds are held against the same schema and rules the API server has.
//!
//! All that is wrong is found at once, each fault with its file, document and field. No message holds a value: documents
//! may be Secrets.

mod lines;
mod secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use kube::ResourceExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Spanned;

pub use lines::Lines;
pub use secret::SecretValues;

use crate::{
    api::{
        AwsCostAccount, CostWarehouse, GROUP,
        admission::{self, Complaint},
    },
    cli::inputs::unreadable::io_problem,
};

/// The version of our API that there is.
const VERSION: &str = "v1alpha1";
/// More than any fleet's manifests take, and little enough to hold.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The documents of our kinds, and the Secrets beside them.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Accounts, in reading order.
    pub accounts: Vec<ManifestDocument<AwsCostAccount>>,
    /// Warehouses, in reading order.
    pub warehouses: Vec<ManifestDocument<CostWarehouse>>,
    /// Secrets, in reading order.
    pub secrets: Vec<ManifestDocument<SecretValues>>,
    /// Kind, namespace and name of documents that are there and can't be used, as far as they have them.
    pub refused: BTreeSet<(String, String, String)>,
    /// How many documents were of other kinds.
    pub ignored: usize,
    /// The lines of each document's fields, by file and number of the document; also of documents that are refused.
    pub lines: BTreeMap<(String, usize), Lines>,
}

/// One document and where it stood.
#[derive(Debug, Clone)]
pub struct ManifestDocument<T> {
    /// Where it stood.
    pub origin: Origin,
    /// What it says.
    pub object: T,
}

/// Where a document stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file as it was given, or `-`.
    pub file: String,
    /// Which of the file's documents, counted from 1; empty ones don't count.
    pub document: usize,
    /// The line the document starts in, counted from 1.
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: document {}", self.file, self.line, self.document)
    }
}

/// Why a manifest can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// A file or folder can't be read.
    #[error("{file} can't be read: {problem}")]
    Unreadable {
        /// The path as it was given.
        file: String,
        /// Why.
        problem: String,
    },
    /// A file is not YAML.
    #[error("{file}:{line}: {problem}")]
    Syntax {
        /// The file as it was given.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A document of our kinds would be refused.
    #[error("{origin}, {object}: {complaint}")]
    Refused {
        /// Where it stands.
        origin: Origin,
        /// Its kind and name, as far as it has them.
        object: String,
        /// What is wrong.
        complaint: Complaint,
    },
}

/// Reads files, folders (every `.yaml`, `.yml` and `.json` below them) and `-`, standard input.
///
/// # Errors
/// Everything that is wrong with any of them, in reading order.
pub fn read(paths: &[PathBuf]) -> Result<Manifests, Vec<ManifestFault>> {
    read_paths(paths).into_manifests()
}

/// Reads the same, and gives what is right beside everything that is wrong.
pub fn read_all(paths: &[PathBuf]) -> (Manifests, Vec<ManifestFault>) {
    let reading = read_paths(paths);
    (reading.manifests, reading.faults)
}

fn read_paths(paths: &[PathBuf]) -> ManifestReading {
    let mut reading = ManifestReading::default();
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            reading.read_stream(STANDARD_INPUT, &mut io::stdin().lock());
        } else {
            reading.read_path(path);
        }
    }
    reading
}

/// What was read so far, and what was wrong with it.
#[derive(Default)]
struct ManifestReading {
    manifests: Manifests,
    faults: Vec<ManifestFault>,
    /// The first document of each object, by kind, namespace and name.
    seen: BTreeMap<(String, String, String), Origin>,
}

impl ManifestReading {
    fn into_manifests(self) -> Result<Manifests, Vec<ManifestFault>> {
        if self.faults.is_empty() { Ok(self.manifests) } else { Err(self.faults) }
    }

    fn read_path(&mut self, path: &Path) {
        let name = path.display().to_string();
        let read = if path.is_dir() {
            files_below(path).map(|files| files.iter().for_each(|file| self.read_path(file)))
        } else {
            File::open(path).map(|mut file| self.read_stream(&name, &mut file))
        };
        if let Err(error) = read {
            self.faults.push(ManifestFault::Unreadable { file: name, problem: io_problem(&error) });
        }
    }

    fn read_stream(&mut self, file: &str, source: &mut dyn Read) {
        let unreadable = |problem: String| ManifestFault::Unreadable { file: file.to_owned(), problem };
        let mut text = String::new();
        match source.take(MOST_BYTES + 1).read_to_string(&mut text) {
            Ok(length) if length as u64 > MOST_BYTES => {
                self.faults.push(unreadable(format!("it has more than {MOST_BYTES} bytes")));
            }
            Ok(_) => self.read_text(file, &text),
            Err(error) => self.faults.push(unreadable(io_problem(&error))),
        }
    }

    fn read_text(&mut self, file: &str, text: &str) {
        match split_documents::<Value>(text) {
            Ok(documents) => {
                let shapes = split_documents::<lines::Node>(text).unwrap_or_default();
                for (index, shape) in shapes.iter().enumerate() {
                    self.manifests.lines.insert((file.to_owned(), index + 1), lines::of(shape));
                }
                for (index, document) in documents.into_iter().enumerate() {
                    let line = document.referenced.line().max(1);
                    let origin = Origin { file: file.to_owned(), document: index + 1, line };
                    self.read_document(&origin, document.value);
                }
            }
            Err(error) => self.faults.push(ManifestFault::Syntax {
                file: file.to_owned(),
                line: error.location().map_or(1, |location| location.line()),
                problem: error.without_snippet().to_string(),
            }),
        }
    }

    fn read_document(&mut self, origin: &Origin, mut value: Value) {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        match (group, version, kind.as_str()) {
            ("", "v1", "List") => {
                let items = value["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
                items.into_iter().for_each(|item| self.read_document(origin, item));
            }
            ("", "v1", "Secret") => self.take_secret(origin, &value),
            (GROUP, VERSION, kind) if admission::is_ours(kind) => self.take_object(origin, kind, value),
            (GROUP, VERSION, kind) => {
                let problem =
                    format!("{GROUP} has no kind {kind:?}; its kinds are AwsCostAccount and CostWarehouse");
                self.refuse_object(origin, &value, "kind", problem);
            }
            (GROUP, _, _) => {
                let problem = format!("this version does not exist; use {GROUP}/{VERSION}");
                self.refuse_object(origin, &value, "apiVersion", problem);
            }
            _ => self.manifests.ignored += 1,
        }
    }

    fn take_object(&mut self, origin: &Origin, kind: &str, value: Value) {
        let mut complaints = check_metadata(&value);
        complaints.extend(admission::unknown_fields(kind, &value));
        complaints.extend(admission::list_complaints(kind, &value, None));
        if !complaints.is_empty() {
            let object = object_title(&value);
            self.manifests.refused.insert(object_key(&value));
            self.faults.extend(complaints.into_iter().map(|complaint| ManifestFault::Refused {
                origin: origin.clone(),
                object: object.clone(),
                complaint,
            }));
        } else if self.is_first(origin, &value) {
            match kind {
                "AwsCostAccount" => {
                    let parsed = self.parse_object(origin, value);
                    self.manifests.accounts.extend(parsed);
                }
                _ => {
                    let parsed = self.parse_object(origin, value);
                    self.manifests.warehouses.extend(parsed);
                }
            }
        }
    }

    fn parse_object<T: DeserializeOwned + ResourceExt>(
        &mut self,
        origin: &Origin,
        value: Value,
    ) -> Option<ManifestDocument<T>> {
        let (object, key) = (object_title(&value), object_key(&value));
        match serde_json::from_value(value) {
            Ok(object) => Some(ManifestDocument { origin: origin.clone(), object }),
            // What the schema lets through can only fail in metadata, whose words may be shown.
            Err(error) => {
                self.manifests.refused.insert(key);
                let complaint = Complaint { field: String::new(), problem: error.to_string() };
                self.faults.push(ManifestFault::Refused { origin: origin.clone(), object, complaint });
                None
            }
        }
    }

    fn take_secret(&mut self, origin: &Origin, value: &Value) {
        match SecretValues::from_document(value) {
            Ok(object) if self.is_first(origin, value) => {
                self.manifests.secrets.push(ManifestDocument { origin: origin.clone(), object });
            }
            Ok(_) => {}
            Err(complaint) => {
                self.manifests.refused.insert(object_key(value));
                self.refuse_object(origin, value, &complaint.field, complaint.problem);
            }
        }
    }

    /// Notes the object; what was there before is a fault, as only one of the two can be meant.
    fn is_first(&mut self, origin: &Origin, value: &Value) -> bool {
        let key = object_key(value);
        match self.seen.get(&key) {
            Some(first) => {
                let problem = format!("it is already declared in {first}");
                self.refuse_object(origin, value, "", problem);
                false
            }
            None => {
                self.seen.insert(key, origin.clone());
                true
            }
        }
    }

    fn refuse_object(&mut self, origin: &Origin, value: &Value, field: &str, problem: String) {
        let complaint = Complaint { field: field.to_owned(), problem };
        self.faults.push(ManifestFault::Refused {
            origin: origin.clone(),
            object: object_title(value),
            complaint,
        });
    }
}

/// The manifests below a folder, sorted; what starts with a dot is left out.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let manifest = path.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        if !hidden && (path.is_dir() || manifest) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The documents of a stream, as kubectl reads them; the last of two equal keys does not win, it is a fault.
fn split_documents<T: DeserializeOwned>(text: &str) -> Result<Vec<Spanned<T>>, serde_saphyr::Error> {
    // The library's own limits are meant for one configuration file: a fleet has thousands of documents.
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_documents: 100_000,
            max_nodes: 20_000_000,
            max_events: 40_000_000,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

/// Kind, namespace and name, as far as a document has them.
fn object_key(value: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &value["metadata"];
    (text(&value["kind"]), text(&metadata["namespace"]), text(&metadata["name"]))
}

/// Kind and name, as far as a document has them.
fn object_title(value: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").chars().take(253).collect::<String>();
    format!("{} {}", text(&value["kind"]), text(&value["metadata"]["name"]))
}

/// What is wrong with the name and the namespace.
pub(in crate::cli) fn check_metadata(value: &Value) -> Vec<Complaint> {
    let complaint = |field: &str, problem: &str| Complaint {
        field: format!("metadata.{field}"),
        problem: problem.to_owned(),
    };
    let mut complaints = Vec::new();
    match value["metadata"]["name"].as_str() {
        None => complaints.push(complaint("name", "is required")),
        Some(name) if !is_subdomain(name) => complaints.push(complaint(
            "name",
            "takes 1 to 253 lower-case letters, digits, - and ., with a letter or digit around each dot and at both ends",
        )),
        Some(_) => {}
    }
    if let Some(namespace) = value["metadata"].get("namespace").filter(|namespace| !namespace.is_null())
        && !namespace
            .as_str()
            .is_some_and(|name| name.len() <= 63 && !name.contains('.') && is_subdomain(name))
    {
        complaints.push(complaint(
            "namespace",
            "takes 1 to 63 lower-case letters, digits and -, with a letter or digit at both ends",
        ));
    }
    complaints
}

/// Kubernetes' rule for names of most objects (RFC 1123).
fn is_subdomain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
            && bytes.first().is_some_and(|byte| plain(*byte))
            && bytes.last().is_some_and(|byte| plain(*byte))
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
