//! The keys of `browser_journey`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Counts;

/// What a person does in a browser and must see; or a command of the project that does it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrowserJourney {
    /// The id of the service whose pages are visited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Seconds until a step must have come true; default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_timeout_s: Option<u64>,
    /// Default 1280 by 800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewport: Option<Viewport>,
    /// What must be refused on the way: a change, or a page, that is answered with a status from 400 to
    /// 499. Any other such refusal is a failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRequest>,
    /// Scripts that fail, and requests that are refused or not answered, are no failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_errors: bool,
    /// Instead of steps: a command that drives a browser itself, judged as a `repo_test` is. Each of
    /// the check's `evidence` globs must match a file that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// With `argv`.
    #[serde(default)]
    pub counts: Counts,
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusedRequest {
    /// Such as `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// From 400 to 499.
    pub status: u16,
}

/// Pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Viewport {
    pub width: u32,
    pub height: u32,
}

/// One step: exactly one of the keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A path of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click: Option<Locator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Fill>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub press: Option<Press>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// Goes on when it holds; it is no evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for: Option<PageExpectation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<PageExpectation>,
    /// A picture of that name, besides that of every step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<String>,
}

/// Finds an element: exactly one of `role`, `label`, `text`, `test_id` and `css`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Locator {
    /// An ARIA role, as the browser computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// With `role`: the accessible name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The accessible name of a form control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The whole text of an element, without white space around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The value of `data-testid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub css: Option<String>,
}

/// Puts a text in place of what is in a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    pub r#in: Locator,
    pub text: String,
}

/// Chooses an option of a list by its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Select {
    pub r#in: Locator,
    pub option: String,
}

/// Presses a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Press {
    /// `Enter`, `Tab`, `Escape`, `Space`, `Backspace`, `Delete`, `ArrowUp`, `ArrowDown`, `ArrowLeft`,
    /// `ArrowRight`, `Home`, `End`, `PageUp`, `PageDown`, or one character.
    pub key: String,
    /// Where; without it, where the focus is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#in: Option<Locator>,
}

/// Gives a file of the tree to a file field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub r#in: Locator,
    pub file: String,
}

/// What the page must be like; every key that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageExpectation {
    /// Is part of the text that can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The path, with its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<Locator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Locator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueOf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<CountOf>,
}

/// What is in a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueOf {
    pub r#in: Locator,
    pub equals: String,
}

/// How many elements can be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountOf {
    pub of: Locator,
    pub equals: u64,
}

impl RefusedRequest {
    pub fn method(&self) -> String {
        self.method.to_ascii_uppercase()
    }

    pub fn shown(&self) -> String {
        format!("{} {}: {}", self.method(), self.path, self.status)
    }
}

impl Step {
    /// The names of the keys that are set.
    pub fn verbs(&self) -> Vec<&'static str> {
        let set = [
            ("goto", self.goto.is_some()),
            ("click", self.click.is_some()),
            ("fill", self.fill.is_some()),
            ("select", self.select.is_some()),
            ("press", self.press.is_some()),
            ("upload", self.upload.is_some()),
            ("wait_for", self.wait_for.is_some()),
            ("expect", self.expect.is_some()),
            ("screenshot", self.screenshot.is_some()),
        ];
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
    }

    /// Whether the journey does something to the page, besides going to it.
    pub fn acts(&self) -> bool {
        let verb = |v: &&str| matches!(*v, "click" | "fill" | "select" | "press" | "upload");
        self.verbs().iter().any(verb)
    }

    /// As a person reads it: `click role=button name="Add"`.
    pub fn shown(&self) -> String {
        let quoted = |text: &str| format!("\"{text}\"");
        if let Some(path) = &self.goto {
            format!("goto {path}")
        } else if let Some(locator) = &self.click {
            format!("click {}", locator.shown())
        } else if let Some(fill) = &self.fill {
            format!("fill {} with {}", fill.r#in.shown(), quoted(&fill.text))
        } else if let Some(select) = &self.select {
            format!("select {} in {}", quoted(&select.option), select.r#in.shown())
        } else if let Some(press) = &self.press {
            let place = press.r#in.as_ref().map(|l| format!(" in {}", l.shown()));
            format!("press {}{}", press.key, place.unwrap_or_default())
        } else if let Some(upload) = &self.upload {
            format!("upload {} to {}", upload.file, upload.r#in.shown())
        } else if let Some(wanted) = &self.wait_for {
            format!("wait for {}", wanted.shown())
        } else if let Some(wanted) = &self.expect {
            format!("expect {}", wanted.shown())
        } else {
            format!("screenshot {}", self.screenshot.as_deref().unwrap_or_default())
        }
    }
}

impl Locator {
    /// The keys of which exactly one is set.
    pub fn ways(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("role", &self.role),
            ("label", &self.label),
            ("text", &self.text),
            ("test_id", &self.test_id),
            ("css", &self.css),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?))).collect()
    }

    pub fn shown(&self) -> String {
        let ways = self.ways().into_iter().map(|(name, text)| match name {
            "role" => format!("role={text}"),
            name => format!("{name}=\"{text}\""),
        });
        let name = self.name.iter().map(|name| format!("name=\"{name}\""));
        ways.chain(name).collect::<Vec<_>>().join(" ")
    }
}

impl PageExpectation {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it looks at more than what a field holds: that, the journey itself may have put there.
    pub fn looks_beyond_fields(&self) -> bool {
        Self { value: None, ..self.clone() } != Self::default()
    }

    pub fn shown(&self) -> String {
        let text = |name: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{name} \"{text}\""))
        };
        let place = |name: &str, place: &Option<Locator>| {
            place.as_ref().map(|place| format!("{name} {}", place.shown()))
        };
        [
            text("text", &self.text),
            text("no text", &self.not_text),
            text("title", &self.title),
            text("url", &self.url),
            place("visible", &self.visible),
            place("hidden", &self.hidden),
            self.value.as_ref().map(|v| format!("value \"{}\" in {}", v.equals, v.r#in.shown())),
            self.count.as_ref().map(|c| format!("{} of {}", c.equals, c.of.shown())),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" and ")
    }
}
