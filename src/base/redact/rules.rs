//! The shapes. Each has an anchor, a literal that a secret begins with or stands behind; only where
//! an anchor lies is a pattern tried. Adding a shape is adding a row, and a line to
//! `tests/fixtures/secrets/shapes.txt`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use super::values::Starts;

/// Bytes that a token may go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Letters, digits, `-` and `_`.
    Token,
    /// [`Class::Token`] and `.`, `+`, `/`, `=`, `~`.
    Value,
    /// [`Class::Value`] and `%`.
    Wide,
    /// What a shell takes as it is, and may stand in a word.
    Plain,
}

impl Class {
    pub fn has(self, b: u8) -> bool {
        let token = b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        token
            || match self {
                Class::Token => false,
                Class::Value => b".+/=~".contains(&b),
                Class::Wide => b".+/=~%".contains(&b),
                Class::Plain => b > b' ' && b != 0x7f && !b"\"'$`<>{}()\\;&|".contains(&b),
            }
    }
}

/// What may stand before an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Anything,
    /// No letter or digit, unless it is the end of an escape (`\n`, a colour).
    Edge,
    /// As [`Left::Edge`], and nothing that may stand in base64.
    Word,
    /// The beginning of a PEM block.
    Begin,
}

/// What follows a pattern that matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: no letter or digit may follow, or it is something else.
    Fixed,
    /// The rest of the token, however long.
    More(Class),
    /// The body of a PEM block.
    Pem,
}

/// A further look at what a pattern found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    None,
    /// It must look as if no person had thought of it.
    Random,
    /// It must be no placeholder.
    Real,
}

/// A run of bytes of a class, so long.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub of: Class,
    pub least: usize,
    pub most: usize,
}

#[derive(Debug)]
pub struct Rule {
    /// Shown instead.
    pub name: &'static str,
    pub anchors: &'static [&'static str],
    /// Tried at the anchor, or behind its run. Group 1, where there is one, is what is hidden.
    pub pattern: &'static str,
    /// No match of the pattern is longer.
    pub reach: usize,
    pub left: Left,
    pub tail: Tail,
    pub look: Look,
    /// Stands between the anchor and the pattern. What may be long is a run and no part of a
    /// pattern: it is looked at once, however many anchors are in it.
    pub run: Option<Run>,
    /// Stands behind the pattern, and is hidden with it,
    pub body: Option<Run>,
    /// or without it.
    pub value: Option<Run>,
    /// A byte behind the anchor that ends every hope of a match.
    pub stop: &'static [u8],
}

/// A token that is known by its first letters.
const fn token(
    name: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Rule {
    Rule {
        name,
        anchors,
        pattern,
        reach: 128,
        left: Left::Anything,
        tail: Tail::More(Class::Token),
        look: Look::None,
        run: None,
        body: None,
        value: None,
        stop: b" \t\r\n\"'`<>,;:()[]{}|\\/?&=!@#$%^*",
    }
}

/// A value whose name, a header or a scheme before it, says that it is secret.
const fn named(
    name: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
    look: Look,
) -> Rule {
    Rule {
        reach: 240,
        tail: Tail::More(Class::Wide),
        look,
        stop: b"\r\n<>{}()`;",
        ..token(name, anchors, pattern)
    }
}

pub const RULES: &[Rule] = &[
    // Clouds.
    Rule {
        tail: Tail::Fixed,
        ..token(
            "aws access key id",
            &["AKIA", "ASIA", "ABIA", "ACCA"],
            r"\A(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
        )
    },
    token("google api key", &["AIza"], r"\AAIza[0-9A-Za-z_-]{35}"),
    Rule {
        left: Left::Edge,
        stop: b" \t\r\n\"'",
        ..token("google token", &["ya29."], r"\Aya29\.[0-9A-Za-z_-]{20}")
    },
    token("google client secret", &["GOCSPX-"], r"\AGOCSPX-[0-9A-Za-z_-]{20}"),
    Rule {
        left: Left::Edge,
        stop: b" \t\r\n\"'",
        ..token("google refresh token", &["1//0"], r"\A1//0[0-9A-Za-z_-]{30}")
    },
    named(
        "azure key",
        &["AccountKey=", "SharedAccessKey="],
        r"\A(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40})",
        Look::None,
    ),
    named("azure signature", &["sig="], r"\Asig=([A-Za-z0-9+/%]{40})", Look::Random),
    Rule {
        stop: b" \t\r\n\"'",
        ..token("azure client secret", &["7Q~", "8Q~", "9Q~"], r"\A[789]Q~[A-Za-z0-9_~.-]{31}")
    },
    token("digitalocean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"\Ado[opr]_v1_[a-f0-9]{64}"),
    // Places where code lives.
    token(
        "github token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"\Agh[opsur]_[A-Za-z0-9]{36}",
    ),
    token("github token", &["github_pat_"], r"\Agithub_pat_[A-Za-z0-9_]{22}"),
    Rule {
        left: Left::Edge,
        look: Look::Random,
        body: Some(Run { of: Class::Token, least: 20, most: 100 }),
        ..token(
            "gitlab token",
            &[
                "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-",
                "glagent-", "gloas-",
            ],
            r"\Agl[a-z]{2,5}-",
        )
    },
    token("npm token", &["npm_"], r"\Anpm_[A-Za-z0-9]{36}"),
    token("pypi token", &["pypi-AgE"], r"\Apypi-AgE[A-Za-z0-9_-]{40}"),
    token("rubygems key", &["rubygems_"], r"\Arubygems_[a-f0-9]{48}"),
    Rule {
        left: Left::Word,
        tail: Tail::Fixed,
        look: Look::Random,
        ..token("cargo token", &["cio"], r"\Acio[A-Za-z0-9]{32}")
    },
    token("docker token", &["dckr_pat_"], r"\Adckr_pat_[A-Za-z0-9_-]{27}"),
    // Services.
    Rule {
        look: Look::Random,
        body: Some(Run { of: Class::Token, least: 15, most: 100 }),
        ..token(
            "slack token",
            &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
            r"\Ax(?:ox[abeoprs]|app)-",
        )
    },
    Rule {
        tail: Tail::More(Class::Wide),
        stop: b" \t\r\n\"'",
        ..token(
            "slack webhook",
            &["hooks.slack.com/"],
            r"\Ahooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20})",
        )
    },
    token(
        "stripe key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        r"\A[sr]k_(?:live|test)_[A-Za-z0-9]{16}",
    ),
    Rule {
        tail: Tail::More(Class::Wide),
        stop: b" \t\r\n\"'",
        ..token("webhook secret", &["whsec_"], r"\Awhsec_[A-Za-z0-9+/]{24}")
    },
    Rule {
        left: Left::Edge,
        stop: b" \t\r\n\"'",
        ..token("sendgrid key", &["SG."], r"\ASG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}")
    },
    token("databricks token", &["dapi"], r"\Adapi[0-9a-f]{32}"),
    token(
        "shopify token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"\Ashp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    ),
    Rule {
        left: Left::Edge,
        stop: b" \t\r\n\"'",
        ..token("vault token", &["hvs.", "hvb."], r"\Ahv[sb]\.[A-Za-z0-9_-]{24}")
    },
    Rule { stop: b" \t\r\n\"'", ..token("telegram token", &[":AA"], r"\A:AA[A-Za-z0-9_-]{33}") },
    token("grafana token", &["glsa_", "glc_"], r"\A(?:glsa|glc)_[A-Za-z0-9+/_]{32}"),
    token("age key", &["AGE-SECRET-KEY-1"], r"\AAGE-SECRET-KEY-1[0-9A-Z]{58}"),
    // Models.
    token("anthropic key", &["sk-ant-"], r"\Ask-ant-[A-Za-z0-9_-]{20}"),
    Rule {
        left: Left::Edge,
        look: Look::Random,
        body: Some(Run { of: Class::Token, least: 20, most: 100 }),
        ..token("api key", &["sk-"], r"\Ask-")
    },
    token("hugging face token", &["hf_"], r"\Ahf_[A-Za-z0-9]{34}"),
    token("hugging face token", &["api_org_"], r"\Aapi_org_[A-Za-z0-9]{34}"),
    Rule { look: Look::Random, ..token("groq key", &["gsk_"], r"\Agsk_[A-Za-z0-9]{48,60}") },
    Rule { look: Look::Random, ..token("xai key", &["xai-"], r"\Axai-[A-Za-z0-9]{60,100}") },
    token("perplexity key", &["pplx-"], r"\Applx-[A-Za-z0-9]{40}"),
    token("replicate token", &["r8_"], r"\Ar8_[A-Za-z0-9]{37}"),
    // Formats.
    Rule {
        reach: 1100,
        left: Left::Edge,
        tail: Tail::More(Class::Wide),
        stop: b" \t\r\n\"'`<>,;:()[]{}|\\/?&",
        run: Some(Run { of: Class::Token, least: 10, most: 1000 }),
        ..token("json web token", &["eyJ"], r"\A\.(?:eyJ|[A-Za-z0-9_-]{40})")
    },
    Rule {
        reach: 640,
        left: Left::Begin,
        tail: Tail::Pem,
        stop: b"",
        ..token("private key", &["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"], super::pem::HEAD)
    },
    Rule {
        reach: 320,
        tail: Tail::Fixed,
        look: Look::Real,
        stop: b" \t\r\n\"'<>\\`{}()/?#",
        ..token(
            "password",
            &["://"],
            r"\A://[^\s/?#@:\x22'<>\\]{0,100}:([^\s/?#@\x22'<>\\]{1,200})@[A-Za-z0-9\[_$%-]",
        )
    },
    Rule {
        reach: 160,
        tail: Tail::Fixed,
        look: Look::Random,
        stop: b" \t\r\n\"'<>\\`{}()/?#:",
        ..token("password", &["://"], r"\A://([A-Za-z0-9_-]{20,120})@[A-Za-z0-9\[]")
    },
    // Names.
    named(
        "authorization",
        &["authorization"],
        r#"(?i)\Aauthorization["'\\]{0,4}\s{0,4}[:=]\s{0,4}["'\\]{0,4}(?:basic|bearer|token|digest|negotiate|apikey)\s{1,4}([A-Za-z0-9_.+/=~%-]{8})"#,
        Look::Real,
    ),
    Rule {
        value: Some(Run { of: Class::Value, least: 20, most: 128 }),
        ..named("bearer token", &["bearer "], r"(?i)\Abearer {1,4}", Look::Random)
    },
    Rule {
        value: Some(Run { of: Class::Value, least: 16, most: 128 }),
        ..named(
            "assigned secret",
            &[
                "secret",
                "passw",
                "passphrase",
                "token",
                "apikey",
                "api_key",
                "api-key",
                "access_key",
                "accesskey",
                "access-key",
                "private_key",
                "credential",
            ],
            r#"(?i)\A[a-z]{2,12}[a-z0-9_.-]{0,30}["'\\]{0,4}\]?\s{0,4}(?::=|=>|[:=])\s{0,4}["'\\]{0,4}"#,
            Look::Random,
        )
    },
    // As `env` and `.env` write it; shorter ones count.
    Rule {
        value: Some(Run { of: Class::Plain, least: 8, most: 128 }),
        ..named(
            "assigned secret",
            &["SECRET=", "PASSWORD=", "PASSWD=", "PASSPHRASE=", "TOKEN=", "API_KEY=", "APIKEY="],
            r#"\A[A-Z_]{5,12}=["']?"#,
            Look::Real,
        )
    },
];

/// All rules, ready.
pub struct Shapes {
    pub anchors: AhoCorasick,
    /// Rule of each anchor, by its number.
    pub rule_of: Vec<usize>,
    pub texts: Vec<&'static str>,
    /// By their first byte, in lower case.
    pub starts: Starts,
    pub patterns: Vec<Regex>,
    /// The start of a PEM body whose `BEGIN` line came before.
    pub body: Regex,
    pub longest_anchor: usize,
}

pub static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let mut texts = Vec::new();
    let mut rule_of = Vec::new();
    for (number, rule) in RULES.iter().enumerate() {
        for anchor in rule.anchors {
            texts.push(*anchor);
            rule_of.push(number);
        }
    }
    let anchors = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&texts)
        .expect("because the table is fixed and small");
    let pattern = |text: &str| {
        let built = RegexBuilder::new(text).unicode(false).build();
        built.expect("because the table is fixed")
    };
    Shapes {
        anchors,
        rule_of,
        patterns: RULES.iter().map(|rule| pattern(rule.pattern)).collect(),
        body: pattern(super::pem::START),
        starts: Starts::of_all(texts.iter().map(|t| t.as_bytes()[0].to_ascii_lowercase())),
        longest_anchor: texts.iter().map(|t| t.len()).max().unwrap_or(0),
        texts,
    }
});

/// Whether a word looks as if no person had thought of it: digits among letters, often.
pub fn looks_random(word: &[u8]) -> bool {
    let mut kinds = Kinds::default();
    word.iter().for_each(|b| kinds.take(*b));
    !kinds.are_few() && kinds.changes >= word.len() / 6
}

/// What a word is made of.
#[derive(Debug, Default)]
pub struct Kinds {
    seen: [u64; 4],
    /// Of the last letter or digit.
    last: u8,
    /// None, small letters, capitals, digits.
    of: [usize; 4],
    changes: usize,
}

impl Kinds {
    pub fn take(&mut self, b: u8) {
        let kind = match b {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            _ => 0,
        };
        self.seen[usize::from(b >> 6)] |= 1 << (b & 63);
        self.of[usize::from(kind)] += 1;
        if kind != 0 {
            self.changes += usize::from(self.last != 0 && self.last != kind);
            self.last = kind;
        }
    }

    /// Too little of everything, and so in each part of the word, too.
    pub fn are_few(&self) -> bool {
        let distinct: u32 = self.seen.iter().map(|bits| bits.count_ones()).sum();
        self.of[3] < 2 || self.of[1] + self.of[2] < 3 || distinct < 9 || self.changes < 4
    }
}

/// Whether it is more than a word that stands for a secret in documentation.
pub fn is_real(word: &[u8]) -> bool {
    const STANDS_FOR: [&str; 12] = [
        "password", "passwd", "pass", "pwd", "secret", "token", "user", "username", "changeme",
        "example", "xxx", "key",
    ];
    let text = String::from_utf8_lossy(word).to_ascii_lowercase();
    let fill = text.bytes().all(|b| b"x*.-_".contains(&b));
    let pattern = text.contains(['{', '$', '<', '*', '…']) || text.starts_with('%');
    !(fill || pattern || STANDS_FOR.contains(&text.as_str()))
}
