//! Depthwise convolution for cores with Helium: one function for each shape.

use crate::{
    kernels::LANES,
    names::array,
    nn::{Emitter, Prepared, geometry, int},
};
use edgewright_ir::lower::Geometry;

/// Rows of the largest kernel, as in `ew_depthwise_helium.h`.
const ROWS: usize = 8;
/// Columns of the largest: the offset of a load has seven bits, and a column eight bytes.
const COLUMNS: usize = 16;

/// Whether there are kernels for a shape.
pub fn fits(g: &Geometry) -> bool {
    g.kernel_h <= ROWS
        && g.kernel_w <= COLUMNS
        && g.dilation_h == 1
        && g.dilation_w == 1
        && g.in_c == g.out_c
        && g.pad_h < g.kernel_h
}

/// Columns of a row in the ring.
fn columns(g: &Geometry) -> usize {
    ((g.out_w - 1) * g.stride_w + g.kernel_w).max(g.pad_w + g.in_w)
}

/// Bytes of the ring of rows.
pub fn ring_bytes(g: &Geometry) -> usize {
    g.kernel_h * columns(g) * g.in_c.next_multiple_of(LANES.len())
}

impl Emitter<'_> {
    /// Call of a depthwise convolution; equal shapes share a function.
    pub(crate) fn lanes(
        &mut self,
        base: &str,
        g: &Geometry,
        p: &Prepared,
        together: usize,
        scratch: usize,
        [x, y]: [&str; 2],
    ) -> String {
        let m = &p.matrix;
        self.need(&[
            "ew_fixed.h",
            "ew_geometry.h",
            "ew_matrix_s8.h",
            "ew_matrix_helium.h",
            "ew_depthwise_helium.h",
        ]);
        let relu = u8::from(p.relu());
        let rest = format!("{}, m, lanes, {}, {together}, {relu}, ring, out", p.in_zero, columns(g));
        let number = self.lanes.iter().position(|l| l.0 == *g && l.1 == rest).unwrap_or_else(|| {
            let number = self.lanes.len();
            self.data.push_str(&format!(
                "EW_SHAPE void {}_depthwise{number}(const int8_t *x, const ew_matrix *m, const ew_lanes *lanes, int8_t *ring, int8_t *out)\n{{\n    static const ew_geometry shape = {{{}}};\n    ew_depthwise_helium(&shape, x, {rest});\n}}\n",
                self.symbol,
                geometry(g)
            ));
            self.lanes.push((*g, rest));
            number
        });
        let weights = array("EW_WORDS int8_t", "@", &m.weights, i8::to_string);
        let weights = self.hold(weights, format!("{base}_weights"));
        let groups: Vec<&[[i32; 3]]> = m.channels.chunks(LANES.len()).collect();
        let lanes = array("ew_lanes", "@", &groups, |group| {
            let lane = |what: usize| {
                let of = |l: &usize| group.get(*l).map_or("0".into(), |c| int(c[what]));
                LANES.iter().map(of).collect::<Vec<String>>().join(", ")
            };
            format!("{{{{{}}}, {{{}}}, {{{}}}}}", lane(0), lane(1), lane(2))
        });
        let lanes = self.hold(lanes, format!("{base}_lanes"));
        let text = format!(
            "EW_DATA ew_matrix @ = {{{weights}, 0, {}, {}, {}, {}, {}, 0}};\n",
            m.inputs,
            m.channels.len(),
            m.zero,
            m.limits[0],
            m.limits[1],
        );
        let matrix = self.hold(text, format!("{base}_matrix"));
        format!(
            "{}_depthwise{number}({x}, &{matrix}, {lanes}, (int8_t *)(void *)(arena + {scratch}u), {y});",
            self.symbol
        )
    }
}
