//! Made-up secrets of every shape, put together when the tests run.

/// One secret in its surroundings.
pub struct Sample {
    pub name: String,
    pub before: String,
    pub secret: String,
    pub after: String,
}

impl Sample {
    pub fn text(&self) -> String {
        format!("{}{}{}", self.before, self.secret, self.after)
    }
}

pub fn samples() -> Vec<Sample> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/secrets/shapes.txt");
    let file = std::fs::read_to_string(path).expect("the samples").replace('¦', "");
    let rows = file.lines().filter(|l| !l.starts_with('#'));
    let mut all: Vec<Sample> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            let [name, before, secret, after] = cells[..] else { panic!("four cells: {row}") };
            let own = str::to_owned;
            Sample { name: own(name), before: own(before), secret: own(secret), after: own(after) }
        })
        .collect();
    for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
        all.push(private_key(kind, ""));
    }
    all.push(private_key("RSA ", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00AB12\n\n"));
    all
}

/// A PEM block with a body that is none.
pub fn private_key(kind: &str, headers: &str) -> Sample {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state >> 26) as usize]
            as char
    };
    let line =
        |n: usize, next: &mut dyn FnMut() -> char| (0..n).map(|_| next()).collect::<String>();
    let mut body = String::new();
    for _ in 0..12 {
        body.push_str(&format!("{}\n", line(64, &mut next)));
    }
    body.push_str(&format!("{}==\n", line(22, &mut next)));
    Sample {
        name: "private key".into(),
        before: format!("-----BEGIN {kind}"),
        secret: format!("PRIVATE KEY-----\n{headers}{body}-----END {kind}PRIVATE KEY-----"),
        after: "\n".into(),
    }
}
