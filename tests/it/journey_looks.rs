//! What a journey takes for seen, and how it finds elements: one page that has all of it.

use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::{Sandbox, Shape};
use crate::journeys::can_browse;

/// Served as it lies in the tree. What has the class `never` is seen by nobody.
const PAGE: &str = r##"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Looks never</title>
<link rel="icon" href="data:,"><style>
.reader { position: absolute; width: 1px; height: 1px; overflow: hidden; clip: rect(0, 0, 0, 0) }
.gradient { background: linear-gradient(red, blue); background-clip: text; -webkit-text-fill-color: transparent }
</style></head><body title="never">
<!-- never --><script>/* never */</script><noscript>never</noscript><template>never</template>
<p class="never" hidden>never</p>
<p class="never" style="visibility: hidden">never</p>
<p class="never" style="opacity: 0">never</p>
<div style="opacity: 0"><p class="never">never</p></div>
<p class="never" style="filter: opacity(0)">never</p>
<p class="never" style="clip-path: inset(50%)">never</p>
<p class="never" style="transform: scale(0)">never</p>
<p class="never" style="position: absolute; left: -9999px">never</p>
<p class="never" style="position: absolute; top: -900px">never</p>
<p class="never reader">never</p>
<div style="height: 0; overflow: hidden"><p class="never">never</p></div>
<p style="color: transparent">never</p><p style="font-size: 0">never</p><p style="text-indent: -9999px">never</p>
<div style="content-visibility: hidden"><p class="never">never</p></div>
<details><summary>More</summary><p class="never">never</p>never</details>
<textarea aria-label="Notes">never</textarea><select aria-label="Size"><option>never</option></select>
<p contenteditable aria-label="Story">never</p><input aria-label="Code" value="never" placeholder="never">
<img alt="never" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">

<h2 class="seen">Plain and <b>bold</b></h2>
<p class="seen" style="text-transform: uppercase">Loud</p>
<p class="seen gradient">Coloured</p>
<div style="height: 20px; overflow: hidden"><p class="seen" style="position: absolute; margin: 0">Outside of its box</p></div>
<div style="height: 40px; overflow: auto"><div style="height: 300px"></div><p class="seen">Far down</p></div>
<div class="seen" style="display: contents">Without a box</div>
<div class="seen" id="host"><i slot="s">Slotted</i></div>
<table><thead><tr><th>Name</th><th>Sum</th></tr></thead>
<tbody><tr class="seen"><td>Tea</td><td>4.20</td></tr><tr class="seen"><td>Jam</td><td>3.10</td></tr></tbody></table>
<label for="file">Receipt</label><input id="file" type="file" class="never" style="display: none">
<input type="button" class="seen" value="Do it" data-testid='a "b"' onclick="done.textContent = 'Done'">
<p id="done" role="status"></p>
<script>host.attachShadow({ mode: "open" }).innerHTML = "<button>In the shadow</button> <slot name='s'></slot>";
file.onchange = () => done.textContent = "Took " + file.files[0].name;
let rows = ""; for (let n = 0; n < 300; n++) rows += "<li><button>Remove " + n + "</button>";
document.body.insertAdjacentHTML("beforeend", "<ul aria-label='Many'>" + rows + "</ul>");</script></body></html>"##;

fn outcome(tier: &str, steps: &Value) -> Value {
    let s = Sandbox::project();
    s.write("index.html", PAGE);
    s.write("receipt.txt", "12.50\n");
    let config = s.read("otto.yaml").replace("tier: worktree", &format!("tier: {tier}"));
    s.write("otto.yaml", &config);
    s.commit("a page");
    let spec = s.spec(&Shape::of(1).with(|spec| {
        spec["project_kind"] = json!("webapp");
        spec["services"] = json!([{"id": "site", "ready": "/", "argv":
            ["python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]}]);
        spec["groups"][0]["checks"][0] = json!({"id": "looks", "kind": "browser_journey",
            "features": ["f-g1"], "service": "site", "step_timeout_s": 1, "steps": steps});
    }));
    s.run(0, &["compile", "--from-spec", &spec]);
    let mut command = s.command(&["check", "--at", "HEAD", "--json"]);
    // Nobody is there, and nobody is asked.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let done = s.finish(&mut command);
    let lines = done.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let found = lines.map(|l| l["outcome"].clone()).find(Value::is_object);
    found.unwrap_or_else(|| panic!("no outcome: {}{}", done.stdout, done.stderr))
}

#[test]
fn what_a_person_sees_is_seen_and_nothing_else() {
    if !can_browse() {
        return;
    }
    let tier = *working().last().expect("one");
    let found = outcome(
        tier,
        &json!([
            {"goto": "/"},
            {"expect": {"not_text": "never", "hidden": {"css": ".never"}, "title": "Looks never"}},
            {"expect": {"hidden": {"text": "never"}, "count": {"of": {"css": ".seen"}, "equals": 10}}},
            {"click": {"test_id": "a \"b\""}},
            {"expect": {"text": "Done", "visible": {"role": "status"}}},
            {"expect": {"text": "Plain and bold LOUD Coloured Outside of its box Far down Without a box In the shadow Slotted"}},
            {"expect": {"text": "Tea 4.20", "count": {"of": {"role": "row"}, "equals": 3}}},
            {"expect": {"visible": {"role": "heading", "name": "Plain and bold"}, "hidden": {"role": "heading", "name": "Plain"}}},
            {"expect": {"visible": {"role": "button", "name": "In the shadow"}}},
            {"expect": {"visible": {"role": "button", "name": "Remove 299"}, "count": {"of": {"role": "listitem"}, "equals": 300}}},
            {"expect": {"value": {"in": {"label": "Notes"}, "equals": "never"}}},
            {"expect": {"value": {"in": {"label": "Story"}, "equals": "never"}}},
            {"fill": {"in": {"label": "Code"}, "text": "seven"}},
            {"expect": {"value": {"in": {"role": "textbox", "name": "Code"}, "equals": "seven"}}},
            {"upload": {"in": {"label": "Receipt"}, "file": "receipt.txt"}},
            {"expect": {"text": "Took receipt.txt", "not_text": "Done"}},
            {"click": {"text": "More"}},
            {"expect": {"text": "never"}}
        ]),
    );
    assert_eq!(found["reason"], "ok", "{found}");
}

#[test]
fn what_cannot_be_done_is_told() {
    if !can_browse() {
        return;
    }
    let tier = *working().last().expect("one");
    for (step, told) in [
        (json!({"click": {"css": "p["}}), "the selector cannot be read"),
        (json!({"click": {"css": ".reader"}}), "it is there and cannot be seen"),
        (json!({"click": {"role": "button", "name": "Remove"}}), "it is not there"),
        (json!({"click": {"css": ".seen"}}), "10 elements fit"),
        (
            json!({"upload": {"in": {"label": "Receipt"}, "file": "elsewhere.txt"}}),
            "'elsewhere.txt' is not in the tree",
        ),
        (json!({"select": {"in": {"label": "Size"}, "option": "XL"}}), "there is no option"),
    ] {
        let found = outcome(tier, &json!([{"goto": "/"}, step, {"expect": {"text": "Done"}}]));
        assert_eq!(found["reason"], "expectation", "{step}: {found}");
        assert!(found["detail"].as_str().is_some_and(|d| d.contains(told)), "{step}: {found}");
    }
}
