//! Reads an operator's spec from the numbers that JavaScript wrote, in the order in which `ts/ops` wrote them.

use lenslet_kernels::activation::Activation;
use lenslet_kernels::shape::{Conv2dSpec, Image, Layout, Pool2dSpec, SpecError};

/// The numbers not read yet.
pub(crate) struct Words<'a>(pub(crate) &'a [f64]);

impl Words<'_> {
    fn next(&mut self, name: &'static str) -> Result<f64, SpecError> {
        let (&word, rest) = self.0.split_first().ok_or_else(|| SpecError::invalid(name, "is missing"))?;
        self.0 = rest;
        Ok(word)
    }

    /// A whole number from 0 to 2^31 - 1.
    pub(crate) fn size(&mut self, name: &'static str) -> Result<usize, SpecError> {
        let word = self.next(name)?;
        if word.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&word) {
            Ok(word as usize)
        } else {
            // The number itself would bring the code that writes float64s, a tenth of the core.
            Err(SpecError::invalid(name, "is no whole number from 0 to 2^31 - 1"))
        }
    }

    /// A whole number from -2^31 to 2^31 - 1.
    pub(crate) fn step(&mut self, name: &'static str) -> Result<isize, SpecError> {
        let word = self.next(name)?;
        if word.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&word) {
            Ok(word as isize)
        } else {
            Err(SpecError::invalid(name, "is no whole number from -2^31 to 2^31 - 1"))
        }
    }

    /// `N` sizes.
    pub(crate) fn sizes<const N: usize>(&mut self, names: [&'static str; N]) -> Result<[usize; N], SpecError> {
        let mut sizes = [0; N];
        for (size, name) in sizes.iter_mut().zip(names) {
            *size = self.size(name)?;
        }
        Ok(sizes)
    }

    /// As many sizes as asked for.
    pub(crate) fn list(&mut self, name: &'static str, count: usize) -> Result<Vec<usize>, SpecError> {
        if count > self.0.len() {
            return Err(SpecError::invalid(name, format!("should have {count} sizes")));
        }
        (0..count).map(|_| self.size(name)).collect()
    }

    /// A number of a small set.
    pub(crate) fn code(&mut self, name: &'static str) -> Result<u32, SpecError> {
        self.size(name).map(|code| code as u32)
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, SpecError> {
        match self.size(name)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(SpecError::invalid(name, format!("is {other}; expected 0 or 1"))),
        }
    }

    /// Any number, rounded to float32.
    pub(crate) fn float(&mut self, name: &'static str) -> Result<f32, SpecError> {
        self.next(name).map(|word| word as f32)
    }

    /// 0 NHWC, 1 NCHW.
    pub(crate) fn layout(&mut self, name: &'static str) -> Result<Layout, SpecError> {
        Ok(if self.flag(name)? { Layout::Nchw } else { Layout::Nhwc })
    }

    /// Layout and sizes of a batch of images.
    pub(crate) fn image(&mut self) -> Result<(Layout, Image), SpecError> {
        let layout = self.layout("layout")?;
        Ok((layout, self.image_sizes()?))
    }

    /// Sizes of a batch of images.
    pub(crate) fn image_sizes(&mut self) -> Result<Image, SpecError> {
        let [n, h, w, c] = self.sizes(["n", "inH", "inW", "inC"])?;
        Ok(Image { n, h, w, c })
    }

    /// Code and two parameters.
    pub(crate) fn activation(&mut self) -> Result<Activation, SpecError> {
        let code = self.code("activation")?;
        let (a, b) = (self.float("activation")?, self.float("activation")?);
        Activation::from_code(code, a, b)
    }

    /// What follows the image in the words of a convolution, up to the groups.
    pub(crate) fn conv2d(&mut self, input: Image) -> Result<Conv2dSpec, SpecError> {
        let [out_c, k_h, k_w] = self.sizes(["outC", "kH", "kW"])?;
        let [stride_h, stride_w, dilation_h, dilation_w] =
            self.sizes(["strideH", "strideW", "dilationH", "dilationW"])?;
        let [pad_top, pad_left, pad_bottom, pad_right] = self.sizes(["padTop", "padLeft", "padBottom", "padRight"])?;
        let groups = self.size("groups")?;
        Ok(Conv2dSpec {
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
        })
    }

    /// What follows the image in the words of a pool, up to ceil mode.
    pub(crate) fn pool2d(&mut self, input: Image) -> Result<Pool2dSpec, SpecError> {
        let [k_h, k_w, stride_h, stride_w, dilation_h, dilation_w] =
            self.sizes(["kH", "kW", "strideH", "strideW", "dilationH", "dilationW"])?;
        let [pad_top, pad_left, pad_bottom, pad_right] = self.sizes(["padTop", "padLeft", "padBottom", "padRight"])?;
        let ceil_mode = self.flag("ceilMode")?;
        Ok(Pool2dSpec {
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
        })
    }

    /// True if all were read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An error if words are left over: the two sides disagree about an operator.
    pub(crate) fn end(self) -> Result<(), SpecError> {
        if self.is_empty() {
            return Ok(());
        }
        Err(SpecError::invalid("words", format!("has {} numbers more than the operator reads", self.0.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_and_small() {
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 2_147_483_648.0] {
            let error = Words(&[bad]).size("strideH").unwrap_err();
            assert_eq!(error.argument, "strideH");
        }
        assert_eq!(Words(&[2_147_483_647.0]).size("n"), Ok(2_147_483_647));
    }

    #[test]
    fn too_few_and_too_many_words_are_errors() {
        assert!(Words(&[]).size("n").is_err());
        assert!(Words(&[1.0]).list("shape", 2).is_err());
        assert!(Words(&[1.0]).end().is_err());
        assert!(Words(&[]).end().is_ok());
    }
}
