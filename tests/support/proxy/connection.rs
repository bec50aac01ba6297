//! One connection of a proxy: request by request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep, sleep_until};

use super::hrana;
use super::record::{Plan, Record};
use super::script::Fault;
use crate::support::http::{self, Head, Length, relay};

/// One side: the client, or the server.
struct Side {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

/// A whole request.
pub struct Asked {
    pub head: Head,
    /// As it came, chunk marks included.
    pub raw: Vec<u8>,
    pub body: Vec<u8>,
}

/// How an exchange ended.
enum End {
    /// Both connections can go on.
    Open,
    Cut,
}

impl Side {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self { read: BufReader::with_capacity(1 << 18, read), write })
    }

    /// Returns when the other side has closed the connection.
    async fn closed(&mut self) {
        if let Ok([_, ..]) = self.read.fill_buf().await {
            std::future::pending().await
        }
    }
}

/// Serves a client until one of the three closes the connection.
pub async fn serve(client: TcpStream, to: SocketAddr, record: Arc<Record>) {
    let mut cut = record.subscribe();
    tokio::select! {
        _ = cut.changed() => {}
        // However it ends, both connections end with it.
        _ = exchanges(client, to, &record) => {}
    }
}

async fn exchanges(client: TcpStream, to: SocketAddr, record: &Record) -> io::Result<()> {
    let mut client = Side::new(client)?;
    let mut server = None;
    while let Some(head) = next(&mut client, &mut server).await? {
        let arrived = Instant::now();
        let mut raw = Vec::new();
        relay(head.request_length(), &mut client.read, &mut raw).await?;
        let body = http::content(head.request_length(), &raw)?;
        let asked = Asked { head, raw, body };
        let noted = Noted { record, plan: record.came(&asked.head, &asked.body) };
        let mut exchange =
            Exchange { client: &mut client, server: &mut server, to, asked: &asked, arrived, noted: &noted };
        if let End::Cut = exchange.run().await? {
            break;
        }
    }
    Ok(())
}

/// A request in the record. The end of its task, too, ends it, wherever it is.
struct Noted<'a> {
    record: &'a Record,
    plan: Plan,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.record.over(self.plan.index);
    }
}

/// The next request; an error when the server closes its connection.
async fn next(client: &mut Side, server: &mut Option<Side>) -> io::Result<Option<Head>> {
    let gone = async {
        match server {
            Some(server) => server.closed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        head = Head::read(&mut client.read) => head,
        () = gone => Ok(None),
    }
}

struct Exchange<'a> {
    client: &'a mut Side,
    server: &'a mut Option<Side>,
    to: SocketAddr,
    asked: &'a Asked,
    arrived: Instant,
    noted: &'a Noted<'a>,
}

impl Exchange<'_> {
    async fn run(&mut self) -> io::Result<End> {
        let plan = &self.noted.plan;
        let half = plan.round_trip / 2;
        match &plan.fault {
            None => self.pass(half, half).await,
            Some(Fault::Hold(time)) => self.pass(half + *time, half).await,
            Some(Fault::HoldReply(time)) => self.pass(half, half + *time).await,
            Some(Fault::CutBefore) => Ok(End::Cut),
            Some(Fault::CutAfterApplied) => {
                self.whole_reply(half).await?;
                Ok(End::Cut)
            }
            Some(Fault::CutMidReply) => self.half_reply(half).await,
            Some(Fault::Late(time)) => self.late(half + *time).await,
            Some(Fault::Status { code, headers, body }) => {
                sleep_until(self.arrived + plan.round_trip).await;
                self.answer(*code, headers, body.as_bytes()).await
            }
            Some(Fault::Blocked) => {
                sleep_until(self.arrived + plan.round_trip).await;
                self.answer(403, &[], hrana::BLOCKED.as_bytes()).await
            }
            Some(fault) => self.hrana(fault, half).await,
        }
    }

    /// Lets the request through, and the reply piece by piece.
    async fn pass(&mut self, there: Duration, back: Duration) -> io::Result<End> {
        let (head, sent) = self.forward(there, &self.asked.head.raw, &self.asked.raw, true).await?;
        sleep(back).await;
        let length = head.reply_length();
        self.answered(head.status());
        self.client.write.write_all(&head.raw).await?;
        let server = self.server.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        relay(length, &mut server.read, &mut self.client.write).await?;
        Ok(if sent && length != Length::UntilClose { End::Open } else { End::Cut })
    }

    /// Noted before the first byte: whoever has read the answer finds it in the record.
    fn answered(&self, status: u16) {
        self.noted.record.answered(self.noted.plan.index, status);
    }

    /// Sends a request to the server; its reply up to the body, and whether the server took the whole request.
    async fn forward(&mut self, after: Duration, head: &[u8], body: &[u8], watch: bool) -> io::Result<(Head, bool)> {
        if self.server.is_none() {
            *self.server = Some(Side::new(TcpStream::connect(self.to).await?)?);
        }
        sleep_until(self.arrived + after).await;
        let server = self.server.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let asked = ask(server, head, body);
        if !watch {
            return asked.await;
        }
        // A client that goes takes its request with it, as it would without a proxy.
        tokio::select! {
            reply = asked => reply,
            () = self.client.closed() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// What the server answers, to the last byte; the client gets nothing.
    async fn whole_reply(&mut self, after: Duration) -> io::Result<(Head, Vec<u8>)> {
        let (head, _) = self.forward(after, &self.asked.head.raw, &self.asked.raw, false).await?;
        self.rest(head).await
    }

    async fn rest(&mut self, head: Head) -> io::Result<(Head, Vec<u8>)> {
        let mut raw = Vec::new();
        let server = self.server.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        relay(head.reply_length(), &mut server.read, &mut raw).await?;
        Ok((head, raw))
    }

    async fn half_reply(&mut self, half: Duration) -> io::Result<End> {
        let (head, raw) = self.whole_reply(half).await?;
        sleep(half).await;
        self.client.write.write_all(&head.raw).await?;
        self.client.write.write_all(&raw[..raw.len() / 2]).await?;
        Ok(End::Cut)
    }

    async fn late(&mut self, after: Duration) -> io::Result<End> {
        self.client.write.shutdown().await?;
        self.whole_reply(after).await?;
        Ok(End::Cut)
    }

    /// The server gets something else, so that the answer is the truth.
    async fn hrana(&mut self, fault: &Fault, half: Duration) -> io::Result<End> {
        let instead = hrana::instead(self.asked, fault)?;
        let (head, _) = self.forward(half, &instead.head, &instead.body, true).await?;
        let (head, raw) = self.rest(head).await?;
        sleep(half).await;
        let reply = http::content(head.reply_length(), &raw)?;
        if head.status() != 200 {
            return self.answer(head.status(), &[], &reply).await;
        }
        let (code, body) = hrana::answer(self.asked, fault, &reply)?;
        self.answer(code, &[], body.as_bytes()).await
    }

    async fn answer(&mut self, code: u16, headers: &[(String, String)], body: &[u8]) -> io::Result<End> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let kind = "content-type: application/json";
        let head = format!("HTTP/1.1 {code} Fault\r\n{kind}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        self.answered(code);
        self.client.write.write_all(head.as_bytes()).await?;
        self.client.write.write_all(body).await?;
        Ok(End::Open)
    }
}

/// Sends and listens at the same time: a server may answer before it has read everything.
async fn ask(server: &mut Side, head: &[u8], body: &[u8]) -> io::Result<(Head, bool)> {
    let Side { read, write } = server;
    let send = async {
        write.write_all(head).await?;
        write.write_all(body).await
    };
    let reply = next_head(read);
    tokio::pin!(send, reply);
    let mut sent = None;
    loop {
        tokio::select! {
            // Even if it could not be sent to the end there may be a reply that says why.
            done = &mut send, if sent.is_none() => sent = Some(done.is_ok()),
            head = &mut reply => return Ok((head?, sent.unwrap_or(false))),
        }
    }
}

async fn next_head(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Head> {
    Head::read(read).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
