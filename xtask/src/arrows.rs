//! `check-arrows`: holds the workspace to `xtask/arrows.toml` and to the room table of `ARCHITECTURE.md`.

use crate::{
    code::{self, Source},
    flags,
    process::captured,
    workspace::{Workspace, list, name, read},
};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// Prefix of the packages whose folders are rooms.
const PREFIX: &str = "edgewright-";

/// The law, as `arrows.toml` says it.
#[derive(Debug, Default)]
struct Table {
    groups: BTreeMap<String, Vec<String>>,
    rooms: BTreeMap<String, Rule>,
}

#[derive(Clone, Debug, Default)]
struct Rule {
    may_know: Vec<String>,
    may_test: Vec<String>,
    external: Option<Vec<String>>,
    ban_tree: Vec<String>,
    ban_own: Vec<String>,
    ban_code: Vec<String>,
    no_std: bool,
}

/// What there is.
#[derive(Default)]
struct World {
    /// Folders of `crates/`.
    folders: BTreeSet<String>,
    /// Rooms that the table of `ARCHITECTURE.md` names.
    described: BTreeSet<String>,
    rooms: BTreeMap<String, Room>,
}

#[derive(Default)]
struct Room {
    /// Normal and build dependencies of the manifest, by package name.
    needs: BTreeSet<String>,
    /// Its dev-dependencies.
    tests_need: BTreeSet<String>,
    /// Every package below it in the normal and build tree.
    tree: BTreeSet<String>,
    sources: Vec<Source>,
}

/// Runs the check; every breach is printed.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    flags(args, &[])?;
    let table = parse(&read(&workspace.root.join("xtask/arrows.toml"))?)?;
    let world = look(workspace)?;
    let breaches = check(&table, &world);
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if !breaches.is_empty() {
        bail!(
            "{} breaches of xtask/arrows.toml; move the code to its room, or argue for a new line in the table",
            breaches.len()
        );
    }
    println!("{} rooms, every arrow points down", world.rooms.len());
    Ok(())
}

fn parse(text: &str) -> Result<Table> {
    let value: toml::Table = text.parse().context("arrows.toml")?;
    let words = |v: &toml::Value, at: &str| -> Result<Vec<String>> {
        v.as_array()
            .and_then(|a| a.iter().map(|w| w.as_str().map(str::to_owned)).collect())
            .with_context(|| format!("arrows.toml: {at} must be a list of names"))
    };
    let mut table = Table::default();
    for (key, section) in &value {
        let section = section.as_table().with_context(|| format!("arrows.toml: {key} must be a section"))?;
        for (item, v) in section {
            match key.as_str() {
                "groups" => {
                    table.groups.insert(item.clone(), words(v, item)?);
                }
                "rooms" => {
                    let mut rule = Rule::default();
                    let fields = v
                        .as_table()
                        .with_context(|| format!("arrows.toml: rooms.{item} must be a section"))?;
                    for (field, v) in fields {
                        match field.as_str() {
                            "may_know" => rule.may_know = words(v, field)?,
                            "may_test" => rule.may_test = words(v, field)?,
                            "external" => rule.external = Some(words(v, field)?),
                            "ban_tree" => rule.ban_tree = words(v, field)?,
                            "ban_own" => rule.ban_own = words(v, field)?,
                            "ban_code" => rule.ban_code = words(v, field)?,
                            "no_std" => {
                                rule.no_std =
                                    v.as_bool().context("arrows.toml: no_std must be true or false")?
                            }
                            _ => bail!("arrows.toml: rooms.{item} has an unknown key `{field}`"),
                        }
                    }
                    table.rooms.insert(item.clone(), rule);
                }
                _ => bail!("arrows.toml: unknown section `{key}`"),
            }
        }
    }
    Ok(table)
}

fn room_of(package: &str) -> Option<&str> {
    package.strip_prefix(PREFIX).or((package == "xtask").then_some(package))
}

fn look(workspace: &Workspace) -> Result<World> {
    let mut world = World::default();
    for folder in list(&workspace.root.join("crates"))?.iter().filter(|p| p.is_dir()) {
        world.folders.insert(name(folder));
    }
    world.described = described(&read(&workspace.root.join("ARCHITECTURE.md"))?);
    let packages =
        workspace.metadata()?["packages"].as_array().context("cargo metadata lists no packages")?;
    for package in packages {
        let full = package["name"].as_str().unwrap_or_default();
        let folder = std::path::Path::new(package["manifest_path"].as_str().unwrap_or_default())
            .parent()
            .map(std::path::Path::to_path_buf)
            .unwrap_or_default();
        let Some(short) = room_of(full) else { bail!("package `{full}`: names begin with `{PREFIX}`") };
        if short != name(&folder) {
            bail!(
                "package `{full}` lies in `{}`; folder and name must agree",
                workspace.below(&folder).display()
            );
        }
        let mut room =
            Room { sources: code::sources(&folder.join("src"), &workspace.root)?, ..Room::default() };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default().to_owned();
            match dependency["kind"].as_str() {
                Some("dev") => room.tests_need.insert(to),
                _ => room.needs.insert(to),
            };
        }
        let tree = captured(&mut workspace.cargo([
            "tree",
            "--locked",
            "--package",
            full,
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]))?;
        room.tree = tree.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect();
        world.rooms.insert(short.to_owned(), room);
    }
    Ok(world)
}

/// Rooms in the table of `ARCHITECTURE.md`: lines that begin with "| `crates/NAME`".
fn described(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|l| l.strip_prefix("| `crates/")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect()
}

fn check(table: &Table, world: &World) -> Vec<String> {
    let mut out = Vec::new();
    for folder in world.folders.difference(&world.described) {
        out.push(format!("ARCHITECTURE.md: the room table lacks crates/{folder}"));
    }
    for row in world.described.difference(&world.folders) {
        out.push(format!("ARCHITECTURE.md: the room table names crates/{row}, which does not exist"));
    }
    for folder in world.folders.iter().filter(|f| !table.rooms.contains_key(*f)) {
        out.push(format!("arrows.toml: no section for crates/{folder}"));
    }
    for (room, rule) in &table.rooms {
        let Some(there) = world.rooms.get(room) else {
            out.push(format!("arrows.toml: rooms.{room} does not exist"));
            continue;
        };
        for other in rule.may_know.iter().chain(&rule.may_test).filter(|o| !table.rooms.contains_key(*o)) {
            out.push(format!("arrows.toml: rooms.{room} names the unknown room `{other}`"));
        }
        check_room(table, room, rule, there, &mut out);
    }
    if let Some(ring) = ring(table) {
        out.push(format!("arrows.toml: the arrows go round in a ring: {}", ring.join(" -> ")));
    }
    out
}

fn check_room(table: &Table, room: &str, rule: &Rule, there: &Room, out: &mut Vec<String>) {
    let groups = |words: &[String]| -> Vec<String> {
        words.iter().flat_map(|w| table.groups.get(w).cloned().unwrap_or_else(|| vec![w.clone()])).collect()
    };
    for need in &there.needs {
        match room_of(need) {
            Some(other) if !rule.may_know.iter().any(|k| k == other) => {
                out.push(format!("{room}: must not know `{other}`"));
            }
            None if rule.external.as_ref().is_some_and(|allowed| !allowed.contains(need)) => {
                out.push(format!("{room}: must not depend on `{need}`"));
            }
            _ => {}
        }
    }
    for other in there.tests_need.iter().filter_map(|n| room_of(n)) {
        if !rule.may_know.iter().chain(&rule.may_test).any(|k| k == other) {
            out.push(format!("{room}: its tests must not know `{other}`"));
        }
    }
    for banned in groups(&rule.ban_own).iter().filter(|b| there.needs.contains(*b)) {
        out.push(format!("{room}: its manifest must not name `{banned}`"));
    }
    for banned in groups(&rule.ban_tree).iter().filter(|b| there.tree.contains(*b)) {
        out.push(format!(
            "{room}: `{banned}` is in its dependency tree; `cargo tree -i {banned} -e normal,build` shows why"
        ));
    }
    let banned_code = groups(&rule.ban_code);
    for source in &there.sources {
        for banned in banned_code.iter().filter(|b| code::uses(&source.code, b)) {
            out.push(format!("{room}: {} uses `{banned}`", source.file));
        }
    }
    if rule.no_std {
        let lib = there.sources.iter().find(|s| s.file.ends_with("src/lib.rs"));
        if !lib.is_some_and(|s| code::bare(&s.text).lines().any(|l| l.trim() == "#![no_std]")) {
            out.push(format!("{room}: its lib.rs must say #![no_std]"));
        }
    }
}

/// A ring among the allowed arrows, when there is one.
fn ring(table: &Table) -> Option<Vec<String>> {
    fn walk(
        table: &Table,
        at: &str,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(from) = path.iter().position(|p| p == at) {
            let mut ring = path[from..].to_vec();
            ring.push(at.to_owned());
            return Some(ring);
        }
        if !done.insert(at.to_owned()) {
            return None;
        }
        path.push(at.to_owned());
        let found = table.rooms.get(at)?.may_know.iter().find_map(|next| walk(table, next, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    table.rooms.keys().find_map(|room| walk(table, room, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rooms, `low` and `high`, where `high` may know `low`, and a world that keeps to it.
    fn house() -> (String, World) {
        let table = "[groups]\nio = ['std::fs']\n[rooms.low]\nmay_know = []\nno_std = true\nban_code = ['io', 'HashMap']\nban_tree = ['tokio']\nexternal = ['libm']\n[rooms.high]\nmay_know = ['low']\nban_own = ['sqlx']\n";
        let source = |text: &str| Source {
            file: "crates/low/src/lib.rs".into(),
            code: code::bare(text),
            text: text.into(),
        };
        let low = Room {
            needs: ["libm".into()].into(),
            sources: vec![source("#![no_std]\nfn f() {}")],
            ..Room::default()
        };
        let high = Room { needs: ["edgewright-low".into(), "toml".into()].into(), ..Room::default() };
        let names = || ["low".to_owned(), "high".to_owned()].into();
        let world = World {
            folders: names(),
            described: names(),
            rooms: [("low".into(), low), ("high".into(), high)].into(),
        };
        (table.into(), world)
    }

    fn breaches(table: &str, world: &World) -> Vec<String> {
        check(&parse(table).expect("a table"), world)
    }

    /// Changes one thing and expects exactly one breach that says so.
    fn broken(change: impl FnOnce(&mut String, &mut World), expected: &str) {
        let (mut table, mut world) = house();
        change(&mut table, &mut world);
        let found = breaches(&table, &world);
        assert!(found.len() == 1 && found[0].contains(expected), "expected `{expected}`, found {found:?}");
    }

    fn low(world: &mut World) -> &mut Room {
        world.rooms.get_mut("low").expect("there")
    }

    #[test]
    fn a_house_in_order_passes() {
        let (table, world) = house();
        assert_eq!(breaches(&table, &world), [""; 0]);
    }

    #[test]
    fn an_arrow_that_points_up_is_a_breach() {
        broken(|_, w| _ = low(w).needs.insert("edgewright-high".into()), "must not know `high`");
        broken(|_, w| _ = low(w).tests_need.insert("edgewright-high".into()), "tests must not know `high`");
    }

    #[test]
    fn a_table_without_the_arrow_fails() {
        broken(|t, _| *t = t.replace("['low']", "[]"), "high: must not know `low`");
        broken(|t, _| *t = t.replace("may_know = []", "may_know = ['high']"), "go round in a ring");
        broken(|t, _| *t = t.replace("['low']", "['low', 'attic']"), "unknown room `attic`");
        broken(|t, _| t.push_str("[rooms.attic]\nmay_know = []\n"), "rooms.attic does not exist");
        broken(|t, _| t.truncate(t.find("[rooms.high]").expect("there")), "no section for crates/high");
    }

    #[test]
    fn banned_packages_are_breaches() {
        broken(|_, w| _ = low(w).needs.insert("serde".into()), "must not depend on `serde`");
        broken(|_, w| _ = low(w).tree.insert("tokio".into()), "`tokio` is in its dependency tree");
        broken(
            |_, w| _ = w.rooms.get_mut("high").expect("there").needs.insert("sqlx".into()),
            "must not name `sqlx`",
        );
    }

    #[test]
    fn banned_code_is_a_breach() {
        let with = |text: &str| {
            let text = text.to_owned();
            move |_: &mut String, w: &mut World| {
                low(w).sources[0].code = code::bare(&text);
                low(w).sources[0].text = text;
            }
        };
        broken(with("#![no_std]\nuse std::{fmt, fs};"), "uses `std::fs`");
        broken(with("#![no_std]\nfn f(m: &HashMap<u8, u8>) {}"), "uses `HashMap`");
        broken(with("//! #![no_std]\nfn f() {}"), "must say #![no_std]");
    }

    #[test]
    fn the_room_table_is_held_to_the_folders() {
        broken(|_, w| _ = w.described.remove("low"), "lacks crates/low");
        broken(|_, w| _ = w.described.insert("attic".into()), "names crates/attic, which does not exist");
        let text = "| room | x |\n|---|---|\n| `crates/low` | a |\n| `crates/high` | b |\ntext `crates/no`\n";
        assert_eq!(described(text).into_iter().collect::<Vec<_>>(), ["high", "low"]);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(parse("[rooms.low]\nmay_now = []\n").expect_err("refused").to_string().contains("may_now"));
        assert!(parse("[roms.low]\nmay_know = []\n").expect_err("refused").to_string().contains("roms"));
    }
}
