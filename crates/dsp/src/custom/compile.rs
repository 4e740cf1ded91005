//! From the text of a program to typed nodes, in one pass.

use super::{
    Binary, FUNCTIONS, Op, Parameter, Unary,
    lex::{Place, Word, words},
    nearest,
    types::{Arg, Expr, Node, Source, Type},
};
use crate::{DspError, WindowSpec, plan::refuse};
use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

mod calls;

/// Nodes of a program, at most.
const MOST_NODES: usize = 2000;
/// Spectra of a program, at most.
const MOST_TRANSFORMS: usize = 32;
/// Expressions within expressions, at most.
const DEEPEST: usize = 60;

/// A feature, or as many as its expression has values.
pub(super) struct Feature {
    pub name: String,
    pub node: usize,
    pub kind: Type,
}

/// A program with its types.
pub(super) struct Compiled {
    pub nodes: Vec<Node>,
    pub features: Vec<Feature>,
    pub params: Vec<Parameter>,
}

struct Compiler<'a> {
    words: Vec<(Word, Place)>,
    at: usize,
    depth: usize,
    window: &'a WindowSpec,
    values: BTreeMap<String, f64>,
    known: Vec<(String, Expr)>,
    out: Compiled,
}

pub(super) fn compile(program: &str, values: &str, window: &WindowSpec) -> Result<Compiled, DspError> {
    let mut c = Compiler {
        words: words(program)?,
        at: 0,
        depth: 0,
        window,
        values: settings(values)?,
        known: Vec::new(),
        out: Compiled { nodes: Vec::new(), features: Vec::new(), params: Vec::new() },
    };
    c.program()?;
    if let Some(name) = c.values.keys().find(|v| !c.out.params.iter().any(|p| p.name == **v)) {
        let hint = nearest(name, c.out.params.iter().map(|p| p.name.as_str()))
            .map(|n| format!("; did you mean `{n}`?"))
            .unwrap_or_default();
        return refuse(
            "program_name",
            format!("`values` sets `{name}`, which the program has no `param` of{hint}"),
        );
    }
    if c.out.features.is_empty() {
        return refuse(
            "no_feature",
            "the program gives no feature; it needs a line such as `feature level = rms(axis0)`".into(),
        );
    }
    Ok(c.out)
}

/// `name = number, ...`
fn settings(text: &str) -> Result<BTreeMap<String, f64>, DspError> {
    let mut out = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let value = part.split_once('=').and_then(|(n, v)| Some((n.trim(), v.trim().parse::<f64>().ok()?)));
        let Some((name, value)) = value.filter(|(_, v)| (*v as f32).is_finite()) else {
            return refuse(
                "parameter_range",
                format!(
                    "`values` has `{part}`; it must be names with numbers, such as `cutoff = 5, order = 4`"
                ),
            );
        };
        if out.insert(name.to_owned(), value).is_some() {
            return refuse("parameter_range", format!("`values` sets `{name}` twice"));
        }
    }
    Ok(out)
}

impl Compiler<'_> {
    fn word(&self) -> &Word {
        &self.words[self.at].0
    }

    fn place(&self) -> Place {
        self.words[self.at].1
    }

    fn next(&mut self) -> (Word, Place) {
        let word = self.words[self.at].clone();
        if self.at + 1 < self.words.len() {
            self.at += 1;
        }
        word
    }

    fn eat(&mut self, sign: &str) -> bool {
        let there = matches!(self.word(), Word::Sign(s) if *s == sign);
        if there {
            self.next();
        }
        there
    }

    fn expect(&mut self, sign: &str, after: &str) -> Result<(), DspError> {
        if self.eat(sign) {
            return Ok(());
        }
        let found = self.word().to_string();
        self.place().refuse("program_syntax", format!("`{sign}` is expected after {after}, not {found}"))
    }

    fn program(&mut self) -> Result<(), DspError> {
        let mut named = false;
        loop {
            let (word, place) = self.next();
            match word {
                Word::Break => continue,
                Word::End => return Ok(()),
                Word::Name(n) if n == "axes" => {
                    if named || !self.out.nodes.is_empty() {
                        return place
                            .refuse("program_syntax", "`axes` stands once, before all expressions".into());
                    }
                    named = true;
                    self.axes(place)?;
                }
                Word::Name(n) if n == "param" => self.param()?,
                Word::Name(n) if n == "let" => {
                    let (name, place) = self.new_name()?;
                    self.expect("=", &format!("`let {name}`"))?;
                    let value = self.expression()?;
                    self.define(name, value, place)?;
                }
                Word::Name(n) if n == "feature" => self.feature()?,
                other => {
                    let hint = match &other {
                        Word::Name(n) => nearest(n, STATEMENTS.into_iter())
                            .map(|n| format!("; did you mean `{n}`?"))
                            .unwrap_or_default(),
                        _ => String::new(),
                    };
                    return place.refuse(
                        "program_syntax",
                        format!(
                            "a line begins with `axes`, `param`, `let` or `feature`, not with {other}{hint}"
                        ),
                    );
                }
            }
            let place = self.place();
            let (word, _) = self.next();
            if !matches!(word, Word::Break | Word::End) {
                return place
                    .refuse("program_syntax", format!("the line goes on with {word}, where it should end"));
            }
        }
    }

    fn axes(&mut self, place: Place) -> Result<(), DspError> {
        let mut count = 0;
        loop {
            let (name, at) = self.new_name()?;
            if count < self.window.axes {
                let axis = self.axis(count, at)?;
                self.define(name, axis, at)?;
            }
            count += 1;
            if !self.eat(",") {
                break;
            }
        }
        if count != self.window.axes {
            return place.refuse(
                "program_type",
                format!(
                    "`axes` names {count}; the block has {} axes, which `axes` of the block selects",
                    self.window.axes
                ),
            );
        }
        Ok(())
    }

    fn axis(&mut self, axis: usize, place: Place) -> Result<Expr, DspError> {
        let len = self.window.frames;
        let kind = Type::Series { len, rate: self.window.rate_hz };
        self.node(Op::Axis(axis), vec![], len, kind, place)
    }

    fn param(&mut self) -> Result<(), DspError> {
        let (name, place) = self.new_name()?;
        self.expect("=", &format!("`param {name}`"))?;
        let value = self.expression()?;
        let mut number = self.number(value, &format!("`param {name}`"))?;
        let mut range = None;
        if matches!(self.word(), Word::Name(n) if n == "from") {
            self.next();
            let low = self.expression()?;
            let low = self.number(low, "the least value")?;
            if !matches!(self.word(), Word::Name(n) if n == "to") {
                let found = self.word().to_string();
                return self
                    .place()
                    .refuse("program_syntax", format!("`to` is expected after `from {low}`, not {found}"));
            }
            self.next();
            let high = self.expression()?;
            range = Some([low, self.number(high, "the largest value")?]);
        }
        if let Some(set) = self.values.get(&name) {
            number = *set;
        }
        if let Some([low, high]) = range
            && !(number >= low && number <= high)
        {
            return place
                .refuse("program_range", format!("`{name}` is {number}; it must be from {low} to {high}"));
        }
        self.out.params.push(Parameter { name: name.clone(), value: number, range });
        let value = Expr { source: Source::Const(number), kind: Type::Scalar, place };
        self.define(name, value, place)
    }

    fn feature(&mut self) -> Result<(), DspError> {
        let (word, place) = self.next();
        let name = match word {
            Word::Name(n) => n,
            Word::Text(t) if !t.trim().is_empty() && t.len() <= 100 && !t.contains([',', '\r', '\t']) => {
                t.trim().into()
            }
            other => {
                return place.refuse(
                    "program_syntax",
                    format!("`feature` needs a name of 1 to 100 characters without commas, not {other}"),
                );
            }
        };
        if self.out.features.iter().any(|f| f.name == name) {
            return place.refuse("program_name", format!("there is a feature `{name}` already"));
        }
        self.expect("=", &format!("`feature {name}`"))?;
        let value = self.expression()?;
        match value.source {
            Source::Const(n) => value.place.refuse(
                "program_type",
                format!("feature `{name}` is {n} for every window; it must depend on the window"),
            ),
            Source::Node(node) => {
                self.out.features.push(Feature { name, node, kind: value.kind });
                Ok(())
            }
        }
    }

    /// A name that is not taken.
    fn new_name(&mut self) -> Result<(String, Place), DspError> {
        let (word, place) = self.next();
        match word {
            Word::Name(n) if STATEMENTS.contains(&n.as_str()) || RESERVED.contains(&n.as_str()) => {
                place.refuse("program_name", format!("`{n}` has a meaning of its own; take another name"))
            }
            Word::Name(n) => match self.known.iter().find(|k| k.0 == n) {
                Some((_, before)) => {
                    let line = before.place.line;
                    place.refuse(
                        "program_name",
                        format!("`{n}` is there already, from line {line}; take another name"),
                    )
                }
                None => Ok((n, place)),
            },
            other => place.refuse("program_syntax", format!("a name is expected, not {other}")),
        }
    }

    fn define(&mut self, name: String, value: Expr, place: Place) -> Result<(), DspError> {
        self.known.push((name, Expr { place, ..value }));
        Ok(())
    }

    /// An expression with comparisons.
    fn expression(&mut self) -> Result<Expr, DspError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.place().refuse(
                "program_too_large",
                format!("more than {DEEPEST} expressions within each other; use `let`"),
            );
        }
        let mut left = self.sum()?;
        for sign in ["<=", ">=", "<", ">"] {
            if !self.eat(sign) {
                continue;
            }
            let right = self.sum()?;
            left = match sign {
                "<" => self.both(Binary::Less, left, right, sign)?,
                "<=" => self.both(Binary::AtMost, left, right, sign)?,
                ">" => self.both(Binary::Less, right, left, sign)?,
                _ => self.both(Binary::AtMost, right, left, sign)?,
            };
            break;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, DspError> {
        let mut left = self.product()?;
        loop {
            let (op, sign) = if self.eat("+") {
                (Binary::Add, "+")
            } else if self.eat("-") {
                (Binary::Subtract, "-")
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.both(op, left, right, sign)?;
        }
    }

    fn product(&mut self) -> Result<Expr, DspError> {
        let mut left = self.signed()?;
        loop {
            let (op, sign) = if self.eat("*") {
                (Binary::Multiply, "*")
            } else if self.eat("/") {
                (Binary::Divide, "/")
            } else {
                return Ok(left);
            };
            let right = self.signed()?;
            left = self.both(op, left, right, sign)?;
        }
    }

    fn signed(&mut self) -> Result<Expr, DspError> {
        let place = self.place();
        let mut negative = false;
        while self.eat("-") {
            negative = !negative;
        }
        let value = self.primary()?;
        if negative { self.each(Unary::Negate, Expr { place, ..value }) } else { Ok(value) }
    }

    fn primary(&mut self) -> Result<Expr, DspError> {
        let (word, place) = self.next();
        match word {
            Word::Number(n) => Ok(Expr { source: Source::Const(n), kind: Type::Scalar, place }),
            Word::Sign("(") => {
                let value = self.expression()?;
                self.expect(")", "the expression in parentheses")?;
                Ok(value)
            }
            Word::Name(name) if matches!(self.word(), Word::Sign("(")) => {
                self.next();
                let mut args = Vec::new();
                if !self.eat(")") {
                    loop {
                        args.push(self.expression()?);
                        if self.eat(")") {
                            break;
                        }
                        self.expect(",", &format!("an argument of `{name}`"))?;
                    }
                }
                self.call(&name, &args, place)
            }
            Word::Name(name) => self.name(&name, place),
            other => place.refuse("program_syntax", format!("a value is expected, not {other}")),
        }
    }

    fn name(&mut self, name: &str, place: Place) -> Result<Expr, DspError> {
        if let Some((_, value)) = self.known.iter().find(|k| k.0 == name) {
            return Ok(Expr { place, ..*value });
        }
        let number = |n: f64| Ok(Expr { source: Source::Const(n), kind: Type::Scalar, place });
        let (frames, rate) = (self.window.frames, self.window.rate_hz);
        match name {
            "rate" => return number(rate),
            "frames" => return number(frames as f64),
            "pi" => return number(core::f64::consts::PI),
            "time" => {
                if rate <= 0.0 {
                    return place.refuse("rate", "`time` needs a sampling rate".into());
                }
                let kind = Type::Series { len: frames, rate };
                return self.node(Op::Time((1.0 / rate) as f32), vec![], frames, kind, place);
            }
            _ => {}
        }
        if let Some(axis) = name.strip_prefix("axis").and_then(|n| n.parse::<usize>().ok())
            && name == format!("axis{axis}")
        {
            if axis < self.window.axes {
                return self.axis(axis, place);
            }
            return place.refuse(
                "program_name",
                format!(
                    "there is no `{name}`; the block has {} axes, the last is `axis{}`",
                    self.window.axes,
                    self.window.axes - 1
                ),
            );
        }
        if FUNCTIONS.iter().any(|f| f.name == name) {
            return place.refuse("program_syntax", format!("`{name}` is a function; write `{name}(...)`"));
        }
        let known = self.known.iter().map(|k| k.0.as_str()).chain(RESERVED).chain(["axis0"]);
        let hint = nearest(name, known).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        place.refuse("program_name", format!("there is no `{name}`{hint}"))
    }

    /// A node, or the one that computes the same.
    fn node(
        &mut self,
        op: Op,
        args: Vec<Arg>,
        len: usize,
        kind: Type,
        place: Place,
    ) -> Result<Expr, DspError> {
        let node = Node { op, args, len };
        let nodes = &mut self.out.nodes;
        let at = match nodes.iter().position(|n| *n == node) {
            Some(at) => at,
            None => {
                if nodes.len() == MOST_NODES {
                    return place.refuse(
                        "program_too_large",
                        format!("the program has more than {MOST_NODES} steps"),
                    );
                }
                let transforms = nodes.iter().filter(|n| matches!(n.op, Op::Power(_))).count();
                if transforms > MOST_TRANSFORMS {
                    let message = format!("the program has more than {MOST_TRANSFORMS} spectra");
                    return place.refuse("program_too_large", message);
                }
                nodes.push(node);
                nodes.len() - 1
            }
        };
        Ok(Expr { source: Source::Node(at), kind, place })
    }

    fn each(&mut self, op: Unary, x: Expr) -> Result<Expr, DspError> {
        match x.source {
            Source::Const(n) => {
                let faint = n.max(1e-10);
                let value = match op {
                    Unary::Negate => -n,
                    Unary::Abs => libm::fabs(n),
                    Unary::Sqrt => libm::sqrt(n.max(0.0)),
                    Unary::Ln => libm::log(faint),
                    Unary::Log10 => libm::log10(faint),
                };
                self.constant(value, x.place)
            }
            Source::Node(n) => self.node(Op::Unary(op), vec![Arg::Node(n)], x.kind.len(), x.kind, x.place),
        }
    }

    fn constant(&self, value: f64, place: Place) -> Result<Expr, DspError> {
        if !(value as f32).is_finite() {
            return place
                .refuse("program_range", format!("the number is {value}, which no float of 32 bits holds"));
        }
        Ok(Expr { source: Source::Const(value), kind: Type::Scalar, place })
    }

    fn both(&mut self, op: Binary, x: Expr, y: Expr, sign: &str) -> Result<Expr, DspError> {
        if let (Source::Const(a), Source::Const(b)) = (x.source, y.source) {
            let one = |yes: bool| if yes { 1.0 } else { 0.0 };
            let value = match op {
                Binary::Add => a + b,
                Binary::Subtract => a - b,
                Binary::Multiply => a * b,
                Binary::Divide if b == 0.0 => {
                    return y.place.refuse("program_range", "a division by 0".into());
                }
                Binary::Divide => a / b,
                Binary::Smaller => a.min(b),
                Binary::Larger => a.max(b),
                Binary::Less => one(a < b),
                Binary::AtMost => one(a <= b),
            };
            return self.constant(value, x.place);
        }
        let kind = match (x.kind, y.kind) {
            (Type::Scalar, k) | (k, Type::Scalar) => k,
            (a, b) if a == b => a,
            (a, b) => {
                let hint = match (a, b) {
                    (Type::Series { len: m, rate: r }, Type::Series { len: n, rate: q }) if r == q => {
                        format!("; cut the longer one with `slice(..., 0, {})`", m.min(n))
                    }
                    _ => String::new(),
                };
                return x
                    .place
                    .refuse("program_type", format!("`{sign}` joins {a} with {b}, which do not fit{hint}"));
            }
        };
        let args = vec![arg(x), arg(y)];
        self.node(Op::Binary(op), args, kind.len(), kind, x.place)
    }

    /// A number that is known before the run.
    fn number(&self, x: Expr, what: &str) -> Result<f64, DspError> {
        match x.source {
            Source::Const(n) => Ok(n),
            Source::Node(_) => x.place.refuse(
                "program_type",
                format!("{what} must be a number known before the run; this is {} of the window", x.kind),
            ),
        }
    }
}

fn arg(x: Expr) -> Arg {
    match x.source {
        Source::Const(n) => Arg::Const(n as f32),
        Source::Node(n) => Arg::Node(n),
    }
}

const STATEMENTS: [&str; 4] = ["axes", "param", "let", "feature"];
const RESERVED: [&str; 4] = ["rate", "frames", "pi", "time"];
