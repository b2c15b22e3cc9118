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

/// What a command is told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Port and data folder of the service that it is, or is about.
    pub own: Option<(u16, String)>,
    /// Services that run, with their ports.
    pub others: BTreeMap<String, u16>,
}

impl Told {
    /// Puts in what is known; what is not stays as it is, as a program may use braces of its own.
    pub fn filled(&self, text: &str) -> String {
        let mut out = text.to_owned();
        if let Some((port, data)) = &self.own {
            out = out.replace("{port}", &port.to_string()).replace("{data}", data);
        }
        for (id, port) in &self.others {
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
        let told = Told { own: Some((5, "/d".to_owned())), others };
        assert_eq!(
            told.filled("{port} {data}/x {url:db-1} {port:db-1} {else}"),
            "5 /d/x http://127.0.0.1:7 7 {else}"
        );
        let of_none = Told::default();
        assert_eq!(of_none.filled("{port} {data} {url:db-1}"), "{port} {data} {url:db-1}");
        let known = variables([("db-1", 7)]);
        assert_eq!(known[&OsString::from("OTTO_URL_DB_1")], "http://127.0.0.1:7");
    }
}
