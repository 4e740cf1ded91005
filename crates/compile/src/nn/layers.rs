//! Calls of the kernels of integer layers.

use super::{Emitter, Prepared, geometry, int};
use crate::{depthwise, kernels::Form, names::array};
use edgewright_ir::lower::Geometry;

impl Emitter<'_> {
    /// Call of the kernel of an integer layer, whose constants go to the data.
    pub(super) fn layer(&mut self, i: usize, prepared: &Prepared, x: &str, y: &str) -> String {
        let base = format!("{}_{i}", self.symbol);
        let m = &prepared.matrix;
        if m.form == Form::Plane
            && let (Some(g), Some(scratch)) = (&prepared.geometry, self.needs.scratch[i])
        {
            return self.plane(&base, g, prepared, self.offsets[scratch], [x, y]);
        }
        if let (Form::Lanes { together }, Some(g), Some(scratch)) =
            (m.form, &prepared.geometry, self.needs.scratch[i])
        {
            return self.lanes(&base, g, prepared, together, self.offsets[scratch], [x, y]);
        }
        let weights = array("EW_WORDS int8_t", "@", &m.weights, i8::to_string);
        let weights = self.hold(weights, format!("{base}_weights"));
        let channels =
            array("ew_channel", "@", &m.channels, |c| format!("{{{}, {}, {}}}", int(c[0]), int(c[1]), c[2]));
        let channels = self.hold(channels, format!("{base}_channels"));
        let text = format!(
            "EW_DATA ew_matrix @ = {{{weights}, {channels}, {}, {}, {}, {}, {}, {}}};\n",
            m.inputs,
            m.channels.len(),
            m.zero,
            m.limits[0],
            m.limits[1],
            m.rounding as u8
        );
        let matrix = self.hold(text, format!("{base}_matrix"));
        self.need(&["ew_fixed.h", "ew_geometry.h", "ew_matrix_s8.h"]);
        match m.form {
            Form::Rows => {}
            Form::Blocks => self.need(&["ew_matrix_helium.h"]),
            _ => self.need(&["ew_matrix_dsp.h"]),
        }
        let scratch = self.needs.scratch[i];
        let scratch = |kind: &str| match scratch {
            Some(b) => format!("({kind} *)(void *)(arena + {}u)", self.offsets[b]),
            None => "0".into(),
        };
        let zero = prepared.in_zero;
        let Some(g) = &prepared.geometry else {
            let inputs = prepared.length;
            let (from, to) = (
                format!("(const int8_t *)({x}) + i * {inputs}"),
                format!("(int8_t *)({y}) + i * {}", m.channels.len()),
            );
            let many = prepared.columns > 1;
            let (x, y) = if many { (from.as_str(), to.as_str()) } else { (x, y) };
            let call = match m.form {
                Form::Rows => {
                    self.need(&["ew_fully_connected_s8.h"]);
                    format!("ew_fully_connected_s8(&{matrix}, {x}, {y});")
                }
                Form::Blocks => {
                    format!(
                        "ew_fully_connected_helium(&{matrix}, {x}, {inputs}, {}, {y});",
                        scratch("int8_t")
                    )
                }
                form => format!(
                    "ew_fully_connected_dsp(&{matrix}, {x}, {inputs}, {}, {}, {y});",
                    u8::from(form == Form::Joined),
                    scratch("uint32_t")
                ),
            };
            return if many {
                format!(
                    "{{\n        int32_t i;\n        for (i = 0; i < {}; i++) {{\n            {call}\n        }}\n    }}",
                    prepared.columns
                )
            } else {
                call
            };
        };
        if !prepared.depthwise && m.form != Form::Rows {
            let kind = if m.form == Form::Blocks { "int8_t" } else { "uint32_t" };
            return self.convolution(&matrix, g, prepared, (kind, &scratch(kind)), [x, y]);
        }
        self.data.push_str(&format!("EW_DATA ew_geometry {base}_shape = {{{}}};\n", geometry(g)));
        if prepared.depthwise {
            self.need(&["ew_depthwise_conv2d_s8.h"]);
            let [rows, columns] = Prepared::plane(g);
            return format!(
                "ew_depthwise_conv2d_s8(&{base}_shape, {x}, {zero}, &{matrix}, {rows}, {columns}, {}, {y});",
                scratch("int8_t")
            );
        }
        self.need(&["ew_conv2d_s8.h"]);
        format!("ew_conv2d_s8(&{base}_shape, {x}, {zero}, &{matrix}, {}, {y});", scratch("int8_t"))
    }

    /// Call of a convolution for the DSP extension or Helium; layers of one shape share a function in which it is a constant.
    fn convolution(
        &mut self,
        matrix: &str,
        g: &Geometry,
        p: &Prepared,
        (kind, scratch): (&str, &str),
        [x, y]: [&str; 2],
    ) -> String {
        let m = &p.matrix;
        let (name, finish) = match (m.form, m.limits, m.zero) {
            (Form::Joined, [-128, 127], -255) => ("joined", "relu"),
            (Form::Joined, [-128, 127], _) => ("joined", "full"),
            (Form::Joined, ..) => ("joined", "any"),
            _ => ("plain", "any"),
        };
        let (family, rest) = match m.form {
            Form::Blocks => {
                let finish = if p.relu() { "relu" } else { "any" };
                let steps = if m.inputs == 16 { "_1" } else { "" };
                ("helium", format!("{}, m, ew_tile_helium_{finish}{steps}", p.in_zero))
            }
            _ => ("dsp", format!("{}, m, ew_expand_{name}_4, ew_tile_{name}_{finish}", p.in_zero)),
        };
        let number = self.convolutions.iter().position(|c| c.0 == *g && c.1 == rest).unwrap_or_else(|| {
            let number = self.convolutions.len();
            let symbol = format!("{}_conv{number}", self.symbol);
            self.data.push_str(&format!(
                "EW_SHAPE void {symbol}(const int8_t *x, const ew_matrix *m, {kind} *scratch, int8_t *out)\n{{\n    static const ew_geometry shape = {{{}}};\n    ew_conv2d_{family}(&shape, {}, x, {rest}, scratch, out);\n}}\n",
                geometry(g),
                m.inputs
            ));
            self.convolutions.push((*g, rest));
            number
        });
        format!("{}_conv{number}({x}, &{matrix}, {scratch}, {y});", self.symbol)
    }

    /// Call of a depthwise convolution that has a function of its own; equal shapes share one.
    fn plane(&mut self, base: &str, g: &Geometry, p: &Prepared, scratch: usize, [x, y]: [&str; 2]) -> String {
        let m = &p.matrix;
        self.need(&[
            "ew_fixed.h",
            "ew_geometry.h",
            "ew_matrix_s8.h",
            "ew_matrix_dsp.h",
            "ew_depthwise_dsp.h",
        ]);
        let relu = m.zero == -255;
        let key = (*g, m.zero);
        let number = self.planes.iter().position(|k| *k == key).unwrap_or_else(|| {
            self.planes.push(key);
            let number = self.planes.len() - 1;
            let name = format!("{}_depthwise{number}", self.symbol);
            self.data.push_str(&depthwise::emit(&name, g, m.zero, relu));
            number
        });
        let lines: Vec<(&[i8], &[i32; 3])> = m.weights.chunks_exact(m.inputs).zip(&m.channels).collect();
        self.data.push_str(&array("ew_depthwise", &format!("{base}_channels"), &lines, |(w, c)| {
            let w: Vec<String> = w.iter().map(i8::to_string).collect();
            format!("{{{{{}}}, {}, {}, {}}}", w.join(", "), int(c[0]), int(c[1]), c[2])
        }));
        let length: usize = depthwise::plane_bytes(g) / 2;
        let plane = format!("(int16_t *)(void *)(arena + {scratch}u)");
        format!(
            "ew_plane_fill({plane}, {length}, {});\n    {}_depthwise{number}({x}, {base}_channels, {y}, {plane});",
            p.in_zero, self.symbol
        )
    }
}
