//! What is tried: values of a block's parameters near those that it has, out of the block's own declaration.

use edgewright_dsp::{Default, ParamInfo, ParamKind, Parameter, Params, Value, blocks, program_parameters};
use edgewright_impulse::{DspBlock, Window};
use std::collections::BTreeMap;

/// Values that are not those of the project file.
pub(super) type Setting = BTreeMap<String, Value>;

/// Parameters that are the user's to choose: they scale the input, or decide what the impulse keeps and how the device computes.
const NOT_TRIED: [&str; 4] = ["scale_axes", "arith", "features", "moving_avg_num_windows"];

/// Values of each parameter, the current one first.
pub(super) struct Space(Vec<(String, Values)>);

/// Values of a parameter.
enum Values {
    /// These.
    Listed(Vec<Value>),
    /// Texts for the numbers of a program, written when they are drawn: there is one for every pair of changes.
    Numbers(Numbers),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Listed(values) => values.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    fn get(&self, n: usize) -> Value {
        match self {
            Self::Listed(values) => values[n].clone(),
            Self::Numbers(numbers) => numbers.get(n),
        }
    }
}

impl Space {
    pub(super) fn of(block: &DspBlock, window: &Window) -> Self {
        if block.block == "custom" {
            return Self(program(block, window));
        }
        let info = blocks().iter().find(|b| b.name == block.block);
        let params = info.map_or(&[][..], |b| b.params).iter();
        let tried = params
            .filter(|p| p.versions.contains(&block.version) && !NOT_TRIED.contains(&p.name))
            .map(|p| (p.name.to_owned(), values(p, block.params.get(p.name))))
            .filter(|(_, v)| v.len() > 1)
            .map(|(name, values)| (name, Values::Listed(values)));
        Self(tried.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next setting: every third one is drawn anew, the others differ from the best in one or two parameters.
    pub(super) fn next(&self, best: &Setting, turn: usize, draw: &mut Draw) -> Setting {
        let mut out = best.clone();
        let changes = if turn.is_multiple_of(3) { self.0.len() } else { 1 + draw.below(2) };
        for n in 0..changes {
            let which = if changes == self.0.len() { n } else { draw.below(self.0.len()) };
            let (name, values) = &self.0[which];
            match draw.below(values.len()) {
                0 => out.remove(name),
                v => out.insert(name.clone(), values.get(v)),
            };
        }
        out
    }

    /// The setting without the keys that change nothing of the block that it makes, such as those of a wavelet beside an FFT.
    pub(super) fn effective(
        &self,
        block: &DspBlock,
        setting: Setting,
        window: &Window,
        made: &DspBlock,
    ) -> Setting {
        let mut out = setting;
        for key in out.keys().cloned().collect::<Vec<_>>() {
            let mut without = out.clone();
            without.remove(&key);
            if self.block(block, &without, window).is_some_and(|b| b.plan == made.plan) {
                out = without;
            }
        }
        out
    }

    /// The block with a setting, when it can be planned so.
    pub(super) fn block(&self, block: &DspBlock, setting: &Setting, window: &Window) -> Option<DspBlock> {
        let mut params: Params = block.params.clone();
        params.extend(setting.iter().map(|(k, v)| (k.clone(), v.clone())));
        let made =
            DspBlock::new(&*block.id, &*block.block, block.version, params, block.axes.clone(), window);
        made.ok()
    }
}

fn values(p: &ParamInfo, current: Option<&Value>) -> Vec<Value> {
    let current = current.cloned().unwrap_or(match p.default {
        Default::Number(n) => Value::Number(n),
        Default::Bool(b) => Value::Bool(b),
        Default::Text(t) => Value::Text(t.into()),
    });
    let mut out = vec![current.clone()];
    let others: Vec<Value> = match (p.kind, &current) {
        (ParamKind::Bool, _) => vec![Value::Bool(false), Value::Bool(true)],
        (ParamKind::Select(choices), _) => choices.iter().map(|c| Value::Text((*c).into())).collect(),
        (ParamKind::Int { min, max }, Value::Number(n)) => numbers(*n, min as f64, max as f64, true),
        (ParamKind::Float { min, max }, Value::Number(n)) => numbers(*n, min, max, false),
        _ => vec![],
    };
    let text = |v: &Value| match v {
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Text(t) => t.clone(),
    };
    for v in others {
        if !out.iter().any(|o| text(o) == text(&v)) {
            out.push(v);
        }
    }
    out
}

/// Numbers near one: a quarter to four times of it, and steps where it is small, whole and below 8.
fn numbers(n: f64, min: f64, max: f64, whole: bool) -> Vec<Value> {
    let near: Vec<f64> = if n < 0.0 {
        [1.5, 1.25, 0.75, 0.5].iter().map(|f| n * f).collect()
    } else if whole && n < 8.0 {
        (-3..=4).map(|d| n + f64::from(d)).collect()
    } else {
        [0.25, 0.5, 0.75, 1.5, 2.0, 4.0].iter().map(|f| n * f).collect()
    };
    let fits = |v: &f64| *v >= min && *v <= max;
    near.into_iter().map(|v| if whole { v.round() } else { v }).filter(fits).map(Value::Number).collect()
}

/// Settings of a program's numbers: each from its least to its largest, or near what it is, as texts for `values`.
fn program(block: &DspBlock, window: &Window) -> Vec<(String, Values)> {
    let text = |name: &str| match block.params.get(name) {
        Some(Value::Text(t)) => t.clone(),
        _ => String::new(),
    };
    let set = text("values");
    let known = program_parameters(&text("program"), &window.spec(block.axes.len())).unwrap_or_default();
    let given = |name: &str| {
        set.split(',').find_map(|p| {
            let (n, v) = p.split_once('=')?;
            (n.trim() == name).then(|| v.trim().parse::<f64>().ok())?
        })
    };
    let numbers: Vec<(String, f64, Vec<f64>)> = known
        .into_iter()
        .map(|Parameter { name, value: n, range }| {
            let now = given(&name).unwrap_or(n);
            let whole = now.fract() == 0.0;
            let near = match range {
                Some([low, high]) => (0..=4).map(|i| low + (high - low) * f64::from(i) / 4.0).collect(),
                None => [0.25, 0.5, 0.75, 1.5, 2.0, 4.0].map(|f| now * f).to_vec(),
            };
            (name, now, near.into_iter().map(|v: f64| if whole { v.round() } else { v }).collect())
        })
        .collect();
    let numbers = Numbers { set, all: numbers };
    if numbers.len() > 1 { vec![("values".into(), Values::Numbers(numbers))] } else { vec![] }
}

/// The numbers of a program.
struct Numbers {
    /// What the project sets.
    set: String,
    /// Name, value now, values to try.
    all: Vec<(String, f64, Vec<f64>)>,
}

impl Numbers {
    /// Texts in which the number of this place has one certain value: alone, and beside each value of each number behind it.
    fn with_one(&self, i: usize) -> usize {
        1 + self.all[i + 1..].iter().map(|n| n.2.len()).sum::<usize>()
    }

    fn len(&self) -> usize {
        1 + self.all.iter().enumerate().map(|(i, n)| n.2.len() * self.with_one(i)).sum::<usize>()
    }

    /// What is set, then all changes of one number or two, in order.
    fn get(&self, n: usize) -> Value {
        let Some(mut n) = n.checked_sub(1) else { return Value::Text(self.set.clone()) };
        for (i, (_, _, near)) in self.all.iter().enumerate() {
            let each = self.with_one(i);
            if n >= near.len() * each {
                n -= near.len() * each;
                continue;
            }
            let (one, mut pair) = ((i, near[n / each]), n % each);
            if pair == 0 {
                return self.text(&[one]);
            }
            pair -= 1;
            for (j, (_, _, other)) in self.all.iter().enumerate().skip(i + 1) {
                if let Some(v) = other.get(pair) {
                    return self.text(&[one, (j, *v)]);
                }
                pair -= other.len();
            }
        }
        Value::Text(self.set.clone())
    }

    fn text(&self, change: &[(usize, f64)]) -> Value {
        let value = |i: usize, now: f64| change.iter().find(|c| c.0 == i).map_or(now, |c| c.1);
        let parts: Vec<String> =
            self.all.iter().enumerate().map(|(i, (n, now, _))| format!("{n} = {}", value(i, *now))).collect();
        Value::Text(parts.join(", "))
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z % n.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_number_or_two_come_in_order_and_each_once() {
        let number = |name: &str, near: &[f64]| (name.to_owned(), 1.0, near.to_vec());
        let numbers = Numbers {
            set: "a = 1".into(),
            all: vec![number("a", &[2.0, 3.0]), number("b", &[4.0]), number("c", &[5.0, 6.0])],
        };
        let text = |n: usize| match numbers.get(n) {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        let all: Vec<String> = (0..numbers.len()).map(text).collect();
        let changes: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(
            changes,
            [
                "a = 1",
                "a = 2, b = 1, c = 1",
                "a = 2, b = 4, c = 1",
                "a = 2, b = 1, c = 5",
                "a = 2, b = 1, c = 6",
                "a = 3, b = 1, c = 1",
                "a = 3, b = 4, c = 1",
                "a = 3, b = 1, c = 5",
                "a = 3, b = 1, c = 6",
                "a = 1, b = 4, c = 1",
                "a = 1, b = 4, c = 5",
                "a = 1, b = 4, c = 6",
                "a = 1, b = 1, c = 5",
                "a = 1, b = 1, c = 6",
            ]
        );
        // Twenty thousand numbers would be some thousand million texts.
        let many = Numbers {
            set: String::new(),
            all: (0..20_000).map(|i| number(&format!("n{i}"), &[0.5; 6])).collect(),
        };
        assert!(many.len() > 1_000_000_000);
        assert_ne!(many.get(many.len() - 1), many.get(1));
    }
}
