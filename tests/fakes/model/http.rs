//! As much of HTTP/1.1 as the agents use: a request with a length, one answer, end of connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// `None` where the client has nothing to ask.
    pub fn read(stream: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream).take(64 << 20);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not HTTP"));
        };
        let path = target.split('?').next().unwrap_or(target);
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The head of an answer whose body has this length.
pub fn head(code: u16, kind: &str, length: usize, more: &[(&str, String)]) -> String {
    let mut text = format!("HTTP/1.1 {code} {}\r\n", reason(code));
    let fixed = [("content-type", kind.to_owned()), ("content-length", length.to_string())];
    for (name, value) in fixed.iter().chain(more) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "connection: close\r\n\r\n"
}

/// A body in so many pieces, each in a packet of its own.
pub fn send(mut stream: &TcpStream, head: &str, body: &str, pieces: usize) -> io::Result<()> {
    if pieces < 2 {
        return stream.write_all(format!("{head}{body}").as_bytes());
    }
    stream.set_nodelay(true)?;
    stream.write_all(head.as_bytes())?;
    for piece in body.as_bytes().chunks(body.len().div_ceil(pieces).max(1)) {
        stream.write_all(piece)?;
        stream.flush()?;
        std::thread::yield_now();
    }
    Ok(())
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        529 => "Overloaded",
        _ => "Other",
    }
}
