//! Reads an operator's spec from the numbers that JavaScript wrote, in the order in which `ts/ops` wrote them.

use lenslet_kernels::activation::Activation;
use lenslet_kernels::shape::{Conv2dSpec, Image, Layout, Pool2dSpec, SpecError};

/// The numbers not read yet, and the first that was not what it should have been: told at the [end](Words::end), so that
/// reading each is but a call. What is read behind it is worth nothing.
pub(crate) struct Words<'a> {
    rest: &'a [f64],
    wrong: Option<SpecError>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [f64]) -> Self {
        Self { rest: words, wrong: None }
    }

    /// Whether all were read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn note(&mut self, error: SpecError) {
        self.wrong.get_or_insert(error);
    }

    /// Any number.
    #[inline(never)]
    pub(crate) fn number(&mut self, name: &'static str) -> f64 {
        match self.rest.split_first() {
            Some((&word, rest)) => {
                self.rest = rest;
                word
            }
            None => {
                self.note(SpecError::invalid(name, "is missing"));
                0.0
            }
        }
    }

    #[inline(never)]
    fn whole(&mut self, name: &'static str, low: i32) -> f64 {
        let word = self.number(name);
        if word.fract() == 0.0 && (f64::from(low)..=f64::from(i32::MAX)).contains(&word) {
            return word;
        }
        // The number itself would bring the code that writes float64s, a tenth of the core.
        self.note(SpecError::invalid(name, "is no whole number from the expected range, which ends at 2^31 - 1"));
        0.0
    }

    /// A whole number from 0 to 2^31 - 1.
    pub(crate) fn size(&mut self, name: &'static str) -> usize {
        self.whole(name, 0) as usize
    }

    /// A whole number from -2^31 to 2^31 - 1.
    pub(crate) fn step(&mut self, name: &'static str) -> isize {
        self.whole(name, i32::MIN) as isize
    }

    /// `N` sizes.
    pub(crate) fn sizes<const N: usize>(&mut self, names: [&'static str; N]) -> [usize; N] {
        names.map(|name| self.size(name))
    }

    /// As many sizes as asked for.
    #[inline(never)]
    pub(crate) fn list(&mut self, name: &'static str, count: usize) -> Vec<usize> {
        (0..self.at_most(name, count)).map(|_| self.size(name)).collect()
    }

    /// As many steps as asked for.
    pub(crate) fn steps(&mut self, name: &'static str, count: usize) -> Vec<isize> {
        (0..self.at_most(name, count)).map(|_| self.step(name)).collect()
    }

    /// As many flags as asked for.
    pub(crate) fn flags(&mut self, name: &'static str, count: usize) -> Vec<bool> {
        (0..self.at_most(name, count)).map(|_| self.flag(name)).collect()
    }

    /// Not more than there are numbers: memory follows from it.
    fn at_most(&mut self, name: &'static str, count: usize) -> usize {
        if count <= self.rest.len() {
            return count;
        }
        self.note(SpecError::invalid(name, "has too few numbers"));
        0
    }

    /// A number of a small set.
    pub(crate) fn code(&mut self, name: &'static str) -> u32 {
        self.size(name) as u32
    }

    /// 0 or 1.
    #[inline(never)]
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let word = self.number(name);
        if word != 0.0 && word != 1.0 {
            self.note(SpecError::invalid(name, "is neither 0 nor 1"));
        }
        word == 1.0
    }

    /// Any number, rounded to float32.
    pub(crate) fn float(&mut self, name: &'static str) -> f32 {
        self.number(name) as f32
    }

    /// 0 NHWC, 1 NCHW.
    pub(crate) fn layout(&mut self, name: &'static str) -> Layout {
        if self.flag(name) { Layout::Nchw } else { Layout::Nhwc }
    }

    /// Layout and sizes of a batch of images.
    pub(crate) fn image(&mut self) -> (Layout, Image) {
        (self.layout("layout"), self.image_sizes())
    }

    /// Sizes of a batch of images.
    pub(crate) fn image_sizes(&mut self) -> Image {
        let [n, h, w, c] = self.sizes(["n", "inH", "inW", "inC"]);
        Image { n, h, w, c }
    }

    /// Code and two parameters.
    pub(crate) fn activation(&mut self) -> Activation {
        let code = self.code("activation");
        let (a, b) = (self.float("activation"), self.float("activation"));
        Activation::from_code(code, a, b).unwrap_or_else(|error| {
            self.note(error);
            Activation::Identity
        })
    }

    /// What follows the image in the words of a convolution, up to the groups.
    pub(crate) fn conv2d(&mut self, input: Image) -> Conv2dSpec {
        let [out_c, k_h, k_w] = self.sizes(["outC", "kH", "kW"]);
        let [stride_h, stride_w, dilation_h, dilation_w] = self.sizes(["strideH", "strideW", "dilationH", "dilationW"]);
        let [pad_top, pad_left, pad_bottom, pad_right] = self.sizes(["padTop", "padLeft", "padBottom", "padRight"]);
        let groups = self.size("groups");
        Conv2dSpec {
            input,
            out_c,
            k_h,
            k_w,
            stride_h,
            stride_w,
            dilation_h,
            dilation_w,
            pad_top,
            pad_left,
            pad_bottom,
            pad_right,
            groups,
        }
    }

    /// What follows the image in the words of a pool, up to ceil mode.
    pub(crate) fn pool2d(&mut self, input: Image) -> Pool2dSpec {
        let [k_h, k_w, stride_h, stride_w, dilation_h, dilation_w] =
            self.sizes(["kH", "kW", "strideH", "strideW", "dilationH", "dilationW"]);
        let [pad_top, pad_left, pad_bottom, pad_right] = self.sizes(["padTop", "padLeft", "padBottom", "padRight"]);
        let ceil_mode = self.flag("ceilMode");
        Pool2dSpec {
            input,
            k_h,
            k_w,
            stride_h,
            stride_w,
            dilation_h,
            dilation_w,
            pad_top,
            pad_left,
            pad_bottom,
            pad_right,
            ceil_mode,
        }
    }

    /// The first number that was wrong; or an error if some are left over: the two sides disagree about an operator then.
    #[inline(never)]
    pub(crate) fn end(self) -> Result<(), SpecError> {
        match self {
            Self { wrong: Some(error), .. } => Err(error),
            Self { rest: [], .. } => Ok(()),
            _ => Err(SpecError::invalid("words", "has more numbers than the operator reads")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error that is told in the end.
    fn told(words: &[f64], read: impl Fn(&mut Words)) -> Option<&'static str> {
        let mut words = Words::new(words);
        read(&mut words);
        words.end().err().map(|error| error.argument)
    }

    #[test]
    fn sizes_are_whole_and_small() {
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 2_147_483_648.0] {
            assert_eq!(told(&[bad], |words| assert_eq!(words.size("strideH"), 0)), Some("strideH"));
        }
        assert_eq!(told(&[2_147_483_647.0], |words| assert_eq!(words.size("n"), 2_147_483_647)), None);
        assert_eq!(told(&[-2.0], |words| assert_eq!(words.step("step"), -2)), None);
        assert_eq!(told(&[-0.5], |words| assert_eq!(words.step("step"), 0)), Some("step"));
        assert_eq!(told(&[2.0], |words| assert!(!words.flag("log"))), Some("log"));
    }

    #[test]
    fn too_few_and_too_many_words_are_errors() {
        assert_eq!(told(&[], |words| assert_eq!(words.size("n"), 0)), Some("n"));
        assert_eq!(told(&[1.0], |words| assert!(words.list("shape", 2).is_empty())), Some("shape"));
        assert_eq!(told(&[1.0], |_| ()), Some("words"));
        assert_eq!(told(&[], |_| ()), None);
    }

    #[test]
    fn the_first_error_is_the_one_that_is_told() {
        let read = |words: &mut Words| {
            let _ = (words.size("first"), words.size("second"), words.activation());
        };
        assert_eq!(told(&[1.0, -1.0, 99.0, 0.0, 0.0], read), Some("second"));
        assert_eq!(told(&[1.0, 1.0, 99.0, 0.0, 0.0], read), Some("activation"));
    }
}
