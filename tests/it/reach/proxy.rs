//! A proxy behind which every host is one backend, under a certificate of the authority for the host that was asked for.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::authority::Authority;

/// How the proxy is spoken to.
#[derive(Clone, Copy)]
pub enum Speaks {
    Http,
    Socks5,
}

/// A running proxy.
pub struct Proxy {
    address: SocketAddr,
    speaks: Speaks,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub async fn start(authority: &Arc<Authority>, backend: SocketAddr, speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (authority, log) = (Arc::clone(authority), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (authority, log) = (Arc::clone(&authority), Arc::clone(&log));
                tokio::spawn(async move {
                    let Some((stream, host)) = greet(stream, speaks).await else { return };
                    log.lock().expect("nobody panics holding it").push(host.clone());
                    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
                    authority.unwrap(stream, name, backend).await;
                });
            }
        });
        Self { address, speaks, asked }
    }

    pub fn url(&self) -> String {
        let scheme = match self.speaks {
            Speaks::Http => "http",
            Speaks::Socks5 => "socks5",
        };
        format!("{scheme}://{}", self.address)
    }

    /// `HOST:PORT` of every tunnel, each once, sorted.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("nobody panics holding it").clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

async fn greet(stream: TcpStream, speaks: Speaks) -> Option<(TcpStream, String)> {
    match speaks {
        Speaks::Http => connect(stream).await,
        Speaks::Socks5 => socks(stream).await,
    }
}

async fn connect(mut stream: TcpStream) -> Option<(TcpStream, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut words = head.split(' ');
    let (method, host) = (words.next()?, words.next()?.to_owned());
    if method != "CONNECT" {
        stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await.ok()?;
        return None;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    Some((stream, host))
}

async fn socks(mut stream: TcpStream) -> Option<(TcpStream, String)> {
    let (_version, methods) = (stream.read_u8().await.ok()?, stream.read_u8().await.ok()?);
    stream.read_exact(&mut vec![0; methods.into()]).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.ok()?;
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from(stream.read_u32().await.ok()?).to_string(),
        3 => {
            let mut name = vec![0; stream.read_u8().await.ok()?.into()];
            stream.read_exact(&mut name).await.ok()?;
            String::from_utf8(name).ok()?
        }
        _ => return None,
    };
    let port = stream.read_u16().await.ok()?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    Some((stream, format!("{host}:{port}")))
}
