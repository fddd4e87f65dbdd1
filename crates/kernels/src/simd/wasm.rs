//! WebAssembly: simd128, and relaxed SIMD where it is built in.

use super::SQRT_HALF;
use core::arch::wasm32::*;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// Four float32 lanes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct F32x4(v128);

impl F32x4 {
    /// All lanes zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self(f32x4_splat(0.0))
    }
    /// All lanes `x`.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self(f32x4_splat(x))
    }
    /// All lanes `*x`: one `v128.load32_splat`, with a static offset where the index is constant.
    #[inline(always)]
    pub fn load_splat(x: &f32) -> Self {
        // SAFETY: a reference is valid for a read of its 4 bytes; wasm loads need no alignment.
        Self(unsafe { v128_load32_splat(core::ptr::from_ref(x).cast()) })
    }
    /// The four lanes of `a`.
    #[inline(always)]
    pub fn load(a: &[f32; 4]) -> Self {
        // SAFETY: a reference to four floats is valid for a read of 16 bytes; wasm loads need no alignment.
        Self(unsafe { v128_load(a.as_ptr().cast()) })
    }
    /// Writes the four lanes to `a`.
    #[inline(always)]
    pub fn store(self, a: &mut [f32; 4]) {
        // SAFETY: an exclusive reference to four floats is valid for a write of 16 bytes; wasm stores need no alignment.
        unsafe { v128_store(a.as_mut_ptr().cast(), self.0) }
    }
    /// `self * b + c`; fused with relaxed SIMD, rounded twice without.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        return Self(f32x4_relaxed_madd(self.0, b.0, c.0));
        #[cfg(not(target_feature = "relaxed-simd"))]
        return self * b + c;
    }
    /// IEEE 754-2019 `maximum`: NaN if either is NaN, and -0 < +0. Several instructions on x86.
    #[inline(always)]
    pub fn max(self, b: Self) -> Self {
        Self(f32x4_max(self.0, b.0))
    }
    /// IEEE 754-2019 `minimum`: NaN if either is NaN, and -0 < +0. Several instructions on x86.
    #[inline(always)]
    pub fn min(self, b: Self) -> Self {
        Self(f32x4_min(self.0, b.0))
    }
    /// The larger, `self` where they are equal; a NaN in `self` stays. One instruction.
    ///
    /// Of relaxed_max, WebAssembly says less: but x86's instruction gives its second operand where one is NaN, and ARM's a NaN.
    /// A compare and a select, two instructions, took depthwise convolutions with a ReLU6 1.03 to 1.1 times as long, with a hard
    /// swish 1.06 to 1.16, and a 1x1 24-24 with one 1.1 (Node 24, Zen 4); LLVM makes relaxed_max of f32x4_pmax, too.
    #[inline(always)]
    pub fn pmax(self, b: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        return Self(f32x4_relaxed_max(b.0, self.0));
        #[cfg(not(target_feature = "relaxed-simd"))]
        return Self(f32x4_pmax(self.0, b.0));
    }
    /// The smaller, `self` where they are equal; a NaN in `self` stays. One instruction, see [`Self::pmax`].
    #[inline(always)]
    pub fn pmin(self, b: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        return Self(f32x4_relaxed_min(b.0, self.0));
        #[cfg(not(target_feature = "relaxed-simd"))]
        return Self(f32x4_pmin(self.0, b.0));
    }
    /// The larger; where one is NaN, or both are zeros, either. One instruction.
    #[inline(always)]
    pub fn max_of_numbers(self, b: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        return Self(f32x4_relaxed_max(self.0, b.0));
        #[cfg(not(target_feature = "relaxed-simd"))]
        return Self(f32x4_pmax(self.0, b.0));
    }
    /// Magnitudes.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(f32x4_abs(self.0))
    }
    /// Square roots, correctly rounded.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Self(f32x4_sqrt(self.0))
    }
    /// Largest whole numbers not above.
    #[inline(always)]
    pub fn floor(self) -> Self {
        Self(f32x4_floor(self.0))
    }
    /// Nearest whole numbers, ties to even.
    #[inline(always)]
    pub fn round(self) -> Self {
        Self(f32x4_nearest(self.0))
    }
    /// All bits of a lane set where `self < b`; for `select`.
    #[inline(always)]
    pub fn lt(self, b: Self) -> Self {
        Self(f32x4_lt(self.0, b.0))
    }
    /// All bits of a lane set where `self <= b`; for `select`.
    #[inline(always)]
    pub fn le(self, b: Self) -> Self {
        Self(f32x4_le(self.0, b.0))
    }
    /// All bits of a lane set where `self == b`; for `select`. `x.eq(x)` finds what is not NaN.
    #[inline(always)]
    pub fn eq(self, b: Self) -> Self {
        Self(f32x4_eq(self.0, b.0))
    }
    /// Bits that both have; for masks.
    #[inline(always)]
    pub fn and(self, b: Self) -> Self {
        Self(v128_and(self.0, b.0))
    }
    /// Bits that `mask` does not have.
    #[inline(always)]
    pub fn and_not(self, mask: Self) -> Self {
        Self(v128_andnot(self.0, mask.0))
    }
    /// `self` is a mask: `yes` where its bits are set, else `no`.
    #[inline(always)]
    pub fn select(self, yes: Self, no: Self) -> Self {
        Self(v128_bitselect(yes.0, no.0, self.0))
    }
    /// Magnitude of `self` with the sign of `sign`.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        Self(v128_bitselect(sign.0, self.0, f32x4_splat(-0.0)))
    }
    /// `2^n` for lanes that hold whole numbers `-126..=127`, by building the exponent's bits.
    #[inline(always)]
    pub fn exp2_whole(self) -> Self {
        // Of a sum with 1.5 * 2^23 the lowest bits are the whole number's: an addition, where a conversion is eight instructions on x86.
        let n = f32x4_add(self.0, f32x4_splat(12_582_912.0));
        Self(i32x4_add(i32x4_shl(n, 23), f32x4_splat(1.0)))
    }
    /// `(m, n)` with `self = m * 2^n` and `m` from √½ to √2, for lanes that are positive and normal.
    #[inline(always)]
    pub fn frexp(self) -> (Self, Self) {
        let n = i32x4_shr(i32x4_sub(self.0, i32x4_splat(SQRT_HALF)), 23);
        (Self(i32x4_sub(self.0, i32x4_shl(n, 23))), Self(f32x4_convert_i32x4(n)))
    }
    /// Even and odd elements of eight: `(a0 a2 b0 b2, a1 a3 b1 b3)`.
    #[inline(always)]
    pub fn unzip(a: Self, b: Self) -> (Self, Self) {
        (Self(i32x4_shuffle::<0, 2, 4, 6>(a.0, b.0)), Self(i32x4_shuffle::<1, 3, 5, 7>(a.0, b.0)))
    }
    /// Sixteen bytes as numbers, in their order.
    #[inline(always)]
    pub fn from_bytes(bytes: &[u8; 16]) -> [Self; 4] {
        // SAFETY: a reference to sixteen bytes is valid for a read of them; wasm loads need no alignment.
        let bytes = unsafe { v128_load(bytes.as_ptr().cast()) };
        let (low, high) = (u16x8_extend_low_u8x16(bytes), u16x8_extend_high_u8x16(bytes));
        let quads = [
            u32x4_extend_low_u16x8(low),
            u32x4_extend_high_u16x8(low),
            u32x4_extend_low_u16x8(high),
            u32x4_extend_high_u16x8(high),
        ];
        quads.map(|quad| Self(f32x4_convert_i32x4(quad)))
    }
    /// Sixteen bytes as numbers: the first, second, third and fourth of each four.
    #[inline(always)]
    pub fn from_planes(bytes: &[u8; 16]) -> [Self; 4] {
        // SAFETY: as in `from_bytes`.
        let bytes = unsafe { v128_load(bytes.as_ptr().cast()) };
        let low = |quads| Self(f32x4_convert_i32x4(v128_and(quads, i32x4_splat(255))));
        let highest = Self(f32x4_convert_i32x4(u32x4_shr(bytes, 24)));
        [low(bytes), low(u32x4_shr(bytes, 8)), low(u32x4_shr(bytes, 16)), highest]
    }
    /// Lanes below 256 as bytes, in their order: towards zero; 0 for negative numbers and NaN.
    #[inline(always)]
    pub fn to_bytes(quads: [Self; 4]) -> [u8; 16] {
        let [a, b, c, d] = quads.map(Self::truncated);
        let mut bytes = [0; 16];
        let packed = u8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d));
        // SAFETY: an exclusive reference to sixteen bytes is valid for a write of them; wasm stores need no alignment.
        unsafe { v128_store(bytes.as_mut_ptr().cast(), packed) };
        bytes
    }
    /// The way back from `from_planes`, of lanes below 256: towards zero; 0 for negative numbers and NaN.
    #[inline(always)]
    pub fn to_planes(planes: [Self; 4]) -> [u8; 16] {
        let [a, b, c, d] = planes.map(|plane| i32x4_max(plane.truncated(), i32x4_splat(0)));
        let mut bytes = [0; 16];
        let packed = v128_or(v128_or(a, i32x4_shl(b, 8)), v128_or(i32x4_shl(c, 16), i32x4_shl(d, 24)));
        // SAFETY: as in `to_bytes`.
        unsafe { v128_store(bytes.as_mut_ptr().cast(), packed) };
        bytes
    }
    /// Integers, towards zero, of lanes below 2^31; some integer that is not positive for NaN and below -2^31.
    #[inline(always)]
    fn truncated(self) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return i32x4_relaxed_trunc_f32x4(self.0);
        #[cfg(not(target_feature = "relaxed-simd"))]
        return i32x4_trunc_sat_f32x4(self.0);
    }
    /// Sum of the lanes, as `(0 + 2) + (1 + 3)`.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let pairs = f32x4_add(self.0, i32x4_shuffle::<2, 3, 0, 1>(self.0, self.0));
        f32x4_extract_lane::<0>(pairs) + f32x4_extract_lane::<1>(pairs)
    }
    /// The lanes as an array.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 4] {
        let mut a = [0.0; 4];
        self.store(&mut a);
        a
    }
    /// Rows become columns.
    #[inline(always)]
    pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
        let [a, b, c, d] = rows.map(|r| r.0);
        let ab_lo = i32x4_shuffle::<0, 4, 1, 5>(a, b);
        let ab_hi = i32x4_shuffle::<2, 6, 3, 7>(a, b);
        let cd_lo = i32x4_shuffle::<0, 4, 1, 5>(c, d);
        let cd_hi = i32x4_shuffle::<2, 6, 3, 7>(c, d);
        [
            Self(i64x2_shuffle::<0, 2>(ab_lo, cd_lo)),
            Self(i64x2_shuffle::<1, 3>(ab_lo, cd_lo)),
            Self(i64x2_shuffle::<0, 2>(ab_hi, cd_hi)),
            Self(i64x2_shuffle::<1, 3>(ab_hi, cd_hi)),
        ]
    }
}

impl Add for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(f32x4_add(self.0, b.0))
    }
}
impl Sub for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(f32x4_sub(self.0, b.0))
    }
}
impl Mul for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(f32x4_mul(self.0, b.0))
    }
}
impl Div for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Self(f32x4_div(self.0, b.0))
    }
}
impl Neg for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(f32x4_neg(self.0))
    }
}
