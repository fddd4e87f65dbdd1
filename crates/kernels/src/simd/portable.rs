//! Scalar code, for the host.

use super::SQRT_HALF;
use core::array::from_fn;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// Four float32 lanes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct F32x4([f32; 4]);

#[inline(always)]
fn mask(set: bool) -> f32 {
    f32::from_bits(if set { u32::MAX } else { 0 })
}

impl F32x4 {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(from_fn(|i| f(self.0[i], b.0[i])))
    }
    /// All lanes zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([0.0; 4])
    }
    /// All lanes `x`.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self([x; 4])
    }
    /// All lanes `*x`.
    #[inline(always)]
    pub fn load_splat(x: &f32) -> Self {
        Self([*x; 4])
    }
    /// The four lanes of `a`.
    #[inline(always)]
    pub fn load(a: &[f32; 4]) -> Self {
        Self(*a)
    }
    /// Writes the four lanes to `a`.
    #[inline(always)]
    pub fn store(self, a: &mut [f32; 4]) {
        *a = self.0;
    }
    /// `self * b + c`, rounded twice.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    /// IEEE 754-2019 `maximum`: NaN if either is NaN, and -0 < +0.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        self.zip(b, |a, b| {
            if a.is_nan() || b.is_nan() {
                f32::NAN
            } else if a > b || (a == b && b.is_sign_negative()) {
                a
            } else {
                b
            }
        })
    }
    /// IEEE 754-2019 `minimum`: NaN if either is NaN, and -0 < +0.
    #[inline(always)]
    pub fn min(self, b: Self) -> Self {
        self.zip(b, |a, b| {
            if a.is_nan() || b.is_nan() {
                f32::NAN
            } else if a < b || (a == b && a.is_sign_negative()) {
                a
            } else {
                b
            }
        })
    }
    /// The larger, `self` where they are equal; a NaN in `self` stays.
    #[inline(always)]
    pub fn pmax(self, b: Self) -> Self {
        self.zip(b, |a, b| if a < b { b } else { a })
    }
    /// The smaller, `self` where they are equal; a NaN in `self` stays.
    #[inline(always)]
    pub fn pmin(self, b: Self) -> Self {
        self.zip(b, |a, b| if b < a { b } else { a })
    }
    /// The larger; where one is NaN, or both are zeros, either.
    #[inline(always)]
    pub fn max_of_numbers(self, b: Self) -> Self {
        self.pmax(b)
    }
    /// Magnitudes.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }
    /// Square roots, correctly rounded.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
    /// Largest whole numbers not above.
    #[inline(always)]
    pub fn floor(self) -> Self {
        Self(self.0.map(f32::floor))
    }
    /// Nearest whole numbers, ties to even.
    #[inline(always)]
    pub fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    /// All bits of a lane set where `self < b`; for `select`.
    #[inline(always)]
    pub fn lt(self, b: Self) -> Self {
        self.zip(b, |a, b| mask(a < b))
    }
    /// All bits of a lane set where `self <= b`; for `select`.
    #[inline(always)]
    pub fn le(self, b: Self) -> Self {
        self.zip(b, |a, b| mask(a <= b))
    }
    /// All bits of a lane set where `self == b`; for `select`. `x.eq(x)` finds what is not NaN.
    #[inline(always)]
    pub fn eq(self, b: Self) -> Self {
        self.zip(b, |a, b| mask(a == b))
    }
    /// Bits that both have; for masks.
    #[inline(always)]
    pub fn and(self, b: Self) -> Self {
        self.zip(b, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }
    /// Bits that `mask` does not have.
    #[inline(always)]
    pub fn and_not(self, mask: Self) -> Self {
        self.zip(mask, |a, b| f32::from_bits(a.to_bits() & !b.to_bits()))
    }
    /// `self` is a mask: `yes` where its bits are set, else `no`.
    #[inline(always)]
    pub fn select(self, yes: Self, no: Self) -> Self {
        Self(from_fn(|i| {
            let m = self.0[i].to_bits();
            f32::from_bits((yes.0[i].to_bits() & m) | (no.0[i].to_bits() & !m))
        }))
    }
    /// Magnitude of `self` with the sign of `sign`.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        self.zip(sign, f32::copysign)
    }
    /// `2^n` for lanes that hold whole numbers `-126..=127`, by building the exponent's bits.
    #[inline(always)]
    pub fn exp2_whole(self) -> Self {
        Self(self.0.map(|n| f32::from_bits((n as i32).wrapping_add(127).wrapping_shl(23) as u32)))
    }
    /// `(m, n)` with `self = m * 2^n` and `m` from √½ to √2, for lanes that are positive and normal.
    #[inline(always)]
    pub fn frexp(self) -> (Self, Self) {
        let bits = self.0.map(|x| x.to_bits() as i32);
        let n = bits.map(|bits| bits.wrapping_sub(SQRT_HALF) >> 23);
        let m = from_fn(|i| f32::from_bits(bits[i].wrapping_sub(n[i] << 23) as u32));
        (Self(m), Self(n.map(|n| n as f32)))
    }
    /// Even and odd elements of eight: `(a0 a2 b0 b2, a1 a3 b1 b3)`.
    #[inline(always)]
    pub fn unzip(a: Self, b: Self) -> (Self, Self) {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a.0, b.0);
        (Self([a0, a2, b0, b2]), Self([a1, a3, b1, b3]))
    }
    /// Sixteen bytes as numbers, in their order.
    #[inline(always)]
    pub fn from_bytes(bytes: &[u8; 16]) -> [Self; 4] {
        from_fn(|quad| Self(from_fn(|i| f32::from(bytes[4 * quad + i]))))
    }
    /// Sixteen bytes as numbers: the first, second, third and fourth of each four.
    #[inline(always)]
    pub fn from_planes(bytes: &[u8; 16]) -> [Self; 4] {
        from_fn(|plane| Self(from_fn(|i| f32::from(bytes[4 * i + plane]))))
    }
    /// Lanes below 256 as bytes, in their order: towards zero; 0 for negative numbers and NaN.
    #[inline(always)]
    pub fn to_bytes(quads: [Self; 4]) -> [u8; 16] {
        from_fn(|i| quads[i / 4].0[i % 4] as u8)
    }
    /// The way back from `from_planes`, of lanes below 256: towards zero; 0 for negative numbers and NaN.
    #[inline(always)]
    pub fn to_planes(planes: [Self; 4]) -> [u8; 16] {
        from_fn(|i| planes[i % 4].0[i / 4] as u8)
    }
    /// Sum of the lanes, as `(0 + 2) + (1 + 3)`.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
    /// The lanes as an array.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 4] {
        self.0
    }
    /// Rows become columns.
    #[inline(always)]
    pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
        from_fn(|i| Self(from_fn(|j| rows[j].0[i])))
    }
}

impl Add for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
}
impl Sub for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
}
impl Mul for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
}
impl Div for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }
}
impl Neg for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(|a| -a))
    }
}
