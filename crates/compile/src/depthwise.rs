//! Depthwise convolution of 3 x 3 for cores with the DSP extension: one function for each shape.
//!
//! Each channel is spread out as halfwords on a plane with the zero point around it. Blocks of up to two by two outputs are
//! computed at once: a word holds two neighbours of a row, and the weights of a row lie in two words as (w0, w1) and
//! (w1, w2), so that outputs at even and odd columns need no shuffling. Weights and bias are doubled, which spares the
//! doubling before the high multiply.
//!
//! Registers: r0 plane, r1 outputs, r2 to r7 weights, r8 to r11 sums, r12 and lr for everything else.
//! Stack: 0 bias four times, 16 multiplier, 20 rounding, 24 shift, 28 channels, 32 inputs, 36 outputs, 40 plane,
//! 44 channels left, 48 rows left, 52 columns left.

use edgewright_ir::lower::Geometry;
use std::fmt::Write;

/// Largest offset of a byte access, and of a double word.
const REACH: usize = 4095;
const REACH_WORDS: usize = 1020;
/// Pairs of columns that are written out one after the other.
const UNROLLED: usize = 4;

/// Shape of a plane in halfwords.
pub fn plane(g: &Geometry) -> [usize; 2] {
    let reach = |out: usize, stride: usize| (out - 1) * stride + 3;
    let rows = reach(g.out_h, g.stride_h).max(g.pad_h + g.in_h);
    let columns = reach(g.out_w, g.stride_w).max(g.pad_w + g.in_w).next_multiple_of(2);
    [rows, columns]
}

/// Bytes of a plane; the last block reads a word past its end.
pub fn plane_bytes(g: &Geometry) -> usize {
    let [rows, columns] = plane(g);
    2 * rows * columns + 8
}

/// Whether the offsets of a shape fit the instructions.
pub fn fits(g: &Geometry) -> bool {
    let [_, columns] = plane(g);
    g.kernel_h == 3
        && g.kernel_w == 3
        && g.dilation_h == 1
        && g.dilation_w == 1
        && g.in_c == g.out_c
        && g.stride_h == g.stride_w
        && g.stride_h <= 2
        && 2 * columns * 4 + 8 * UNROLLED + 16 <= REACH_WORDS
        && (g.out_w + 2 * UNROLLED) * g.out_c <= REACH
        && 8 * g.in_c <= REACH
}

struct Code<'a> {
    g: &'a Geometry,
    text: String,
    relu: bool,
    /// Bytes of a row of the plane.
    row: usize,
}

impl Code<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "        \"{line}\\n\\t\"");
    }
    fn label(&mut self, label: u32) {
        let _ = writeln!(self.text, "        \"{label}:\\n\\t\"");
    }

    /// Adds a constant; r12 may be lost.
    fn add(&mut self, register: &str, value: i64) {
        let (verb, size) = if value < 0 { ("sub", -value) } else { ("add", value) };
        match size {
            0 => {}
            1..=4095 => self.line(&format!("{verb}w {register}, {register}, #{size}")),
            _ => {
                self.line(&format!("movw r12, #{}", size & 0xffff));
                self.line(&format!("movt r12, #{}", size >> 16));
                self.line(&format!("{verb} {register}, {register}, r12"));
            }
        }
    }

    /// Counts a word of the stack down and goes back while it is not zero.
    fn again(&mut self, slot: usize, label: u32) {
        self.line(&format!("ldr r12, [sp, #{slot}]"));
        self.line("subs r12, #1");
        self.line(&format!("str r12, [sp, #{slot}]"));
        self.line(&format!("bne.w {label}b"));
    }

    fn count(&mut self, slot: usize, value: usize) {
        self.line(&format!("movw r12, #{value}"));
        self.line(&format!("str r12, [sp, #{slot}]"));
    }

    /// One channel onto the plane; r0 inputs, r1 plane.
    fn spread(&mut self) {
        let g = self.g;
        let together = g.in_w.min(8);
        let (loops, rest) = (g.in_w / together, g.in_w % together);
        let columns = |code: &mut Self, n: usize| {
            for j in 0..n {
                let r = ["r4", "r5"][j % 2];
                code.line(&format!("ldrsb {r}, [r0, #{}]", j * g.in_c));
                code.line(&format!("strh {r}, [r1, #{}]", 2 * j));
            }
            code.add("r0", (n * g.in_c) as i64);
        };
        self.line(&format!("movw r3, #{}", g.in_h));
        self.label(2);
        if loops > 1 {
            self.line(&format!("movw r2, #{loops}"));
            self.label(3);
        }
        columns(self, together);
        if loops > 1 {
            self.add("r1", 2 * together as i64);
            self.line("subs r2, #1");
            self.line("bne 3b");
        }
        if rest > 0 {
            if loops == 1 {
                self.add("r1", 2 * together as i64);
            }
            columns(self, rest);
        }
        let moved = if loops > 1 || rest > 0 { 2 * together * loops } else { 0 };
        self.add("r1", (self.row - moved) as i64);
        self.line("subs r3, #1");
        self.line("bne 2b");
    }

    /// Weights, bias and factor of a channel.
    fn constants(&mut self, zero: i32) {
        self.line("ldr r12, [sp, #28]");
        self.line("ldmia r12!, {r2, r4, r6, r8, r9, r10}");
        self.line("str r12, [sp, #28]");
        for (w, v) in [("r2", "r3"), ("r4", "r5"), ("r6", "r7")] {
            self.line(&format!("sxtb16 {v}, {w}, ror #8"));
            self.line(&format!("sxtb16 {w}, {w}"));
            self.line(&format!("sadd16 {v}, {v}, {v}"));
            self.line(&format!("sadd16 {w}, {w}, {w}"));
        }
        self.line("strd r8, r8, [sp]");
        self.line("strd r8, r8, [sp, #8]");
        self.line(&format!("mov r11, #{zero}"));
        self.line("lsl r11, r11, r10");
        self.line("adds r10, #1");
        self.line("strd r9, r11, [sp, #16]");
        self.line("str r10, [sp, #24]");
    }

    /// Outputs of `rows` by `columns` (1 or 2) at offsets in the plane and in the outputs.
    fn block(&mut self, rows: usize, columns: usize, from: usize, to: usize) {
        let stride = self.g.stride_h;
        let sum = |i: usize, j: usize| format!("r{}", 8 + i * columns + j);
        match rows * columns {
            4 => self.line("ldmia sp, {r8-r11}"),
            2 => self.line("ldrd r8, r9, [sp]"),
            _ => self.line("ldr r8, [sp]"),
        }
        for y in 0..(rows - 1) * stride + 3 {
            let at = from + y * self.row;
            self.line(&format!("ldrd r12, lr, [r0, #{at}]"));
            let here: Vec<(usize, usize)> = (0..rows)
                .filter_map(|i| y.checked_sub(i * stride).filter(|&k| k < 3).map(|k| (i, k)))
                .collect();
            for &(i, k) in &here {
                let (w, v) = (format!("r{}", 2 + 2 * k), format!("r{}", 3 + 2 * k));
                let a = sum(i, 0);
                self.line(&format!("smlad {a}, r12, {w}, {a}"));
                self.line(&format!("smlabt {a}, lr, {v}, {a}"));
                if columns == 2 {
                    let b = sum(i, 1);
                    if stride == 1 {
                        self.line(&format!("smlatb {b}, r12, {w}, {b}"));
                        self.line(&format!("smlad {b}, lr, {v}, {b}"));
                    } else {
                        self.line(&format!("smlad {b}, lr, {w}, {b}"));
                    }
                }
            }
            if columns == 2 && stride == 2 {
                self.line(&format!("ldr r12, [r0, #{}]", at + 8));
                for &(i, k) in &here {
                    let b = sum(i, 1);
                    self.line(&format!("smlabt {b}, r12, r{}, {b}", 3 + 2 * k));
                }
            }
        }
        let all: Vec<(usize, usize)> = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).collect();
        self.line("ldrd r12, lr, [sp, #16]");
        for &(i, j) in &all {
            let a = sum(i, j);
            if self.relu {
                self.line(&format!("smmlar {a}, {a}, r12, lr"));
            } else {
                self.line(&format!("smmulr {a}, {a}, r12"));
                self.line(&format!("add {a}, {a}, {a}, asr #31"));
                self.line(&format!("add {a}, {a}, lr"));
            }
        }
        self.line("ldr r12, [sp, #24]");
        for &(i, j) in &all {
            let a = sum(i, j);
            self.line(&format!("asr {a}, {a}, r12"));
            self.line(&format!("ssat {a}, #8, {a}"));
            let offset = to + (i * self.g.out_w + j) * self.g.out_c;
            self.line(&format!("strb {a}, [r1, #{offset}]"));
        }
    }

    /// One or two rows of outputs.
    fn rows(&mut self, rows: usize) {
        let g = self.g;
        let pairs = g.out_w / 2;
        let together = (1..=UNROLLED.min(pairs)).rev().find(|&u| pairs.is_multiple_of(u)).unwrap_or(1);
        let loops = pairs.checked_div(together).unwrap_or(0);
        let (step, width) = (4 * g.stride_w, 2 * g.out_c);
        if loops > 1 {
            self.count(52, loops);
            self.label(5);
        }
        if pairs > 0 {
            for u in 0..together {
                self.block(rows, 2, u * step, u * width);
            }
            self.add("r0", (together * step) as i64);
            self.add("r1", (together * width) as i64);
        }
        if loops > 1 {
            self.again(52, 5);
        }
        if g.out_w % 2 == 1 {
            self.block(rows, 1, 0, 0);
        }
        self.add("r0", (rows * g.stride_h * self.row) as i64 - (pairs * step) as i64);
        self.add("r1", (rows * g.out_w * g.out_c - pairs * width) as i64);
    }
}

/// About how many bytes the function of a shape has: most of its instructions are of four bytes.
pub fn code_bytes(g: &Geometry, zero: i32) -> usize {
    let text = emit("", g, zero, zero == -255);
    text.lines().filter(|l| l.trim_start().starts_with('"') && !l.contains(":\\n")).count() * 37 / 10
}

/// The function `name(x, channels, out, plane)` for a shape; `relu` when the smallest output is the zero point.
pub fn emit(name: &str, g: &Geometry, zero: i32, relu: bool) -> String {
    let [rows, columns] = plane(g);
    let mut code = Code { g, text: String::new(), relu, row: 2 * columns };
    for line in [
        "push {r4-r11, lr}",
        "sub sp, #60",
        "str r1, [sp, #28]",
        "str r0, [sp, #32]",
        "str r2, [sp, #36]",
        "str r3, [sp, #40]",
    ] {
        code.line(line);
    }
    code.count(44, g.out_c);
    code.label(1);
    for line in ["ldr r0, [sp, #32]", "adds r1, r0, #1", "str r1, [sp, #32]", "ldr r1, [sp, #40]"] {
        code.line(line);
    }
    code.add("r1", (g.pad_h * code.row + 2 * g.pad_w) as i64);
    code.spread();
    code.constants(zero);
    for line in ["ldr r0, [sp, #40]", "ldr r1, [sp, #36]", "adds r1, #1", "str r1, [sp, #36]", "subs r1, #1"]
    {
        code.line(line);
    }
    if g.out_h / 2 > 0 {
        if g.out_h / 2 > 1 {
            code.count(48, g.out_h / 2);
            code.label(4);
        }
        code.rows(2);
        if g.out_h / 2 > 1 {
            code.again(48, 4);
        }
    }
    if g.out_h % 2 == 1 {
        code.rows(1);
    }
    code.again(44, 1);
    code.line("add sp, #60");
    code.line("pop {r4-r11, pc}");
    format!(
        "#if EW_DSP_ASM\n__attribute__((naked, noinline, unused)) static void {name}(\n    const int8_t *x __attribute__((unused)), const ew_depthwise *channels __attribute__((unused)),\n    int8_t *out __attribute__((unused)), int16_t *plane __attribute__((unused)))\n{{\n    __asm__ volatile(\n{});\n}}\n#else\nEW_FN void {name}(const int8_t *x, const ew_depthwise *channels, int8_t *out, int16_t *plane)\n{{\n    static const ew_geometry shape = {{{}}};\n    ew_depthwise_c(&shape, x, channels, {zero}, {rows}, {columns}, plane, out);\n}}\n#endif\n",
        code.text.trim_end(),
        crate::nn::geometry(g)
    )
}
