//! Just enough HTTP/1.1 to know where a message ends, and to ask one question.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Everything before the body.
#[derive(Debug, Clone)]
pub struct Head {
    /// `POST /v3/pipeline HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub start: String,
    pub headers: Vec<(String, String)>,
    /// As it came, with the empty line.
    pub raw: Vec<u8>,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Bytes(u64),
    Chunked,
    /// With the connection: only a reply can.
    UntilClose,
}

impl Head {
    /// The next one; nothing when the other side has closed the connection.
    pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let mut raw = Vec::new();
        loop {
            let start = raw.len();
            if from.read_until(b'\n', &mut raw).await? == 0 {
                return if raw.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if start > 0 && matches!(&raw[start..], b"\r\n" | b"\n") {
                return Self::parse(raw).map(Some);
            }
        }
    }

    fn parse(raw: Vec<u8>) -> io::Result<Self> {
        let text = std::str::from_utf8(&raw).map_err(io::Error::other)?;
        let mut lines = text.lines();
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Ok(Self { start, headers, raw })
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A word of the first line: method, path; of a reply the second is the status.
    pub fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or_default()
    }

    fn length(&self) -> Option<Length> {
        if self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Some(Length::Chunked);
        }
        self.header("content-length").and_then(|length| length.parse().ok()).map(Length::Bytes)
    }

    /// A request without a length has no body.
    pub fn request_length(&self) -> Length {
        self.length().unwrap_or(Length::Bytes(0))
    }

    /// A reply to anything but HEAD.
    pub fn reply_length(&self) -> Length {
        match self.status() {
            100..200 | 204 | 304 => Length::Bytes(0),
            _ => self.length().unwrap_or(Length::UntilClose),
        }
    }
}

/// Copies a body as it is, chunk marks included.
pub async fn relay(
    length: Length,
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    match length {
        Length::Bytes(bytes) => copy(bytes, from, to).await?,
        Length::UntilClose => drop(tokio::io::copy_buf(from, to).await?),
        Length::Chunked => loop {
            let mut line = Vec::new();
            from.read_until(b'\n', &mut line).await?;
            to.write_all(&line).await?;
            match chunk_size(&line)? {
                0 => break trailers(from, to).await?,
                size => copy(size + 2, from, to).await?,
            }
        },
    }
    to.flush().await
}

async fn copy(
    bytes: u64,
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    match tokio::io::copy_buf(&mut from.take(bytes), to).await? {
        copied if copied == bytes => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn trailers(from: &mut (impl AsyncBufRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        to.write_all(&line).await?;
        match line.as_slice() {
            b"" => return Err(io::ErrorKind::UnexpectedEof.into()),
            b"\r\n" | b"\n" => return Ok(()),
            _ => {}
        }
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(line).map_err(io::Error::other)?;
    let digits = text.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

/// The content of a whole body that came in this form.
pub fn content(length: Length, body: &[u8]) -> io::Result<Vec<u8>> {
    if length != Length::Chunked {
        return Ok(body.to_vec());
    }
    let (mut content, mut rest) = (Vec::new(), body);
    loop {
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(cut_off)? + 1;
        let size = usize::try_from(chunk_size(&rest[..end])?).map_err(io::Error::other)?;
        if size == 0 {
            return Ok(content);
        }
        content.extend_from_slice(rest.get(end..end + size).ok_or_else(cut_off)?);
        rest = rest.get(end + size + 2..).ok_or_else(cut_off)?;
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub head: Head,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{} {error}: {}", self.head.start, text()))
    }
}

/// A connection that is kept alive.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request, its body in one piece.
    pub async fn ask(&mut self, start: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        let length = body.len().to_string();
        self.send(start, &[headers, &[("content-length", &length)]].concat(), body).await?;
        self.reply().await
    }

    /// Sends a request whose headers say how its body ends.
    pub async fn send(&mut self, start: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{start} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        self.0.write_all(head.as_bytes()).await?;
        self.0.write_all(body).await
    }

    /// Reads a whole reply.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        let head = Head::read(&mut self.0).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (length, mut raw) = (head.reply_length(), Vec::new());
        relay(length, &mut self.0, &mut raw).await?;
        Ok(Reply { body: content(length, &raw)?, head })
    }
}

/// One question on a connection of its own. It may be asked within another runtime: it has its own thread.
pub fn ask(address: SocketAddr, start: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let question = async { Connection::open(address).await?.ask(start, headers, body).await };
    block_on(question)
}

/// Runs something to its end in a thread of its own.
pub fn block_on<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
