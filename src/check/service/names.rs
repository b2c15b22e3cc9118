//! What `{port}`, `{data}`, `{url:ID}` and `{port:ID}` stand for in the commands of services, and
//! under which variables everybody else finds them. Pure.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Where a service is reached: an address of loopback, also where it has a loopback of its own.
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The part of a variable's name that stands for a service: `my-api` is `MY_API`.
fn upper(id: &str) -> String {
    id.to_uppercase().replace('-', "_")
}

/// The variables by which a command finds services.
pub fn variables<'a>(
    ports: impl IntoIterator<Item = (&'a str, u16)>,
) -> BTreeMap<OsString, OsString> {
    let mut out = BTreeMap::new();
    for (id, port) in ports {
        out.insert(format!("OTTO_URL_{}", upper(id)).into(), url(port).into());
        out.insert(format!("OTTO_PORT_{}", upper(id)).into(), port.to_string().into());
    }
    out
}

/// Services that a text refers to by `{url:ID}` and `{port:ID}`.
pub fn referred(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('}')?;
        inside.strip_prefix("url:").or_else(|| inside.strip_prefix("port:"))
    })
}

/// What a command of one service is told.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub port: u16,
    pub data: &'a str,
    pub others: &'a BTreeMap<String, u16>,
}

impl Told<'_> {
    /// Puts in what is known; what is not stays as it is, as a program may use braces of its own.
    pub fn filled(&self, text: &str) -> String {
        let mut out = text.replace("{port}", &self.port.to_string()).replace("{data}", self.data);
        for (id, port) in self.others {
            out = out.replace(&format!("{{url:{id}}}"), &url(*port));
            out = out.replace(&format!("{{port:{id}}}"), &port.to_string());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_where_things_are() {
        let others = BTreeMap::from([("db-1".to_owned(), 7)]);
        let told = Told { port: 5, data: "/d", others: &others };
        assert_eq!(
            told.filled("{port} {data}/x {url:db-1} {port:db-1} {else}"),
            "5 /d/x http://127.0.0.1:7 7 {else}"
        );
        assert_eq!(referred("{url:a} {port:b-2} {port} {url:").collect::<Vec<_>>(), ["a", "b-2"]);
        let known = variables([("db-1", 7)]);
        assert_eq!(known[&OsString::from("OTTO_URL_DB_1")], "http://127.0.0.1:7");
    }
}
