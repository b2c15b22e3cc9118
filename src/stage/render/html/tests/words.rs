//! Words of the page that must not say more than is known.

use super::*;

#[test]
fn a_check_is_not_said_to_show_more_than_the_spec_says() {
    let (packet, exhibits) = rich();
    let page = html(&packet, &exhibits).expect("it renders");
    assert!(!page.contains("shows all of it"));
    assert!(page.contains("whether every line is covered, the spec does not say"));
    assert!(page.contains("whether it covers every line, the spec does not say"));
}

#[test]
fn what_holds_without_the_journey_is_no_failure() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    let mut exhibits = Exhibits::default();
    let shot = tests::png(4, 4, [1, 2, 3]);
    let record = String::from_utf8(tests::journey("y", &[&shot], "")).expect("JSON");
    let record = record.replace("\"holds_anyway\":false", "\"holds_anyway\":true");
    let pieces: [&[u8]; 2] = [record.as_bytes(), &shot];
    tests::add(&mut packet, &mut exhibits, "y", "browser_journey", &pieces);
    packet.features[0].checks = vec!["y".into()];
    let page = html(&packet, &exhibits).expect("it renders");
    let (_, after) = page.split_once("looked for without the journey").expect("the controls");
    let (list, _) = after.split_once("</ul>").expect("a list");
    assert!(list.contains("plain grey") && list.contains("does not count as proof"), "{list}");
    assert!(!list.contains('✕'));
    assert!(page.contains("GET /icon.png: 404 (refused; does not count)"));
}

#[test]
fn a_long_intent_is_folded_and_stands_on_the_front_alone() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    packet.intent = format!("{}the end of it", "I want a shop. ".repeat(60));
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    assert_eq!(page.matches("the end of it").count(), 1);
    assert!(page.contains("All of what was asked for"));
    packet.intent.truncate(500);
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    assert!(!page.contains("All of what was asked for"));
}

#[test]
fn where_no_provider_reported_anything_one_sentence_says_so() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    for usage in packet.usage.values_mut() {
        *usage = crate::stage::render::packet::Usage::default();
    }
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    let (_, cost) = page.split_once("id=\"cost\"").expect("a section");
    let (cost, _) = cost.split_once("</section>").expect("its end");
    assert!(cost.contains("No provider reported tokens or money") && !cost.contains("<table"));
}

#[test]
fn a_reused_result_and_a_picture_are_named() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    packet.checks[0].cached = true;
    packet.checks[0].evidence.truncate(1);
    packet.checks[0].evidence[0].excerpt.clear();
    packet.checks[0].evidence[0].picture = true;
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    assert!(page.contains("<span class=\"badge grey\">reused</span>"));
    assert!(page.contains("A picture. It is in <code>evidence/</code>"));
}

#[test]
fn what_looks_the_same_links_to_its_picture() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    let mut exhibits = Exhibits::default();
    let (a, b) = (tests::png(4, 4, [1, 2, 3]), tests::png(4, 4, [4, 5, 6]));
    let record = tests::journey("y", &[&a, &b, &a], "");
    tests::add(&mut packet, &mut exhibits, "y", "browser_journey", &[&record, &a, &b]);
    packet.features[0].checks = vec!["y".into()];
    let page = html(&packet, &exhibits).expect("it renders");
    let (_, link) = page.split_once("It looks as after <a href=\"#").expect("a link");
    let (id, _) = link.split_once('"').expect("its end");
    let (_, shot) = page.split_once(&format!("id=\"{id}\"")).expect("what it names");
    let (shot, _) = shot.split_once("</li>").expect("its end");
    assert!(shot.contains("Save 2") && shot.contains("data:image/png"), "{shot}");
}
