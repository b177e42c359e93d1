// Sixteen floats at a time: the words that the templates in ops/ and simd/ are written in.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace jc {

struct Avx512 {
  using Float = __m512;
  static constexpr int kWidth = 16;
  // Values of the inner dimension of a product in one lane of a factor.
  static constexpr int kDepth = 1;
  // The unmasked forms of some intrinsics make g++ 12 warn of an uninitialised value of its own.
  static constexpr __mmask16 kAll = 0xffff;

  static Float zero() { return _mm512_setzero_ps(); }
  static Float set(float x) { return _mm512_set1_ps(x); }
  static Float load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Float x) { _mm512_storeu_ps(p, x); }
  // The first n of a vector; n may be outside [0, 16]. Made once, used for many loads and stores.
  using Part = __mmask16;
  static Part part(int64_t n) {
    n = n < 0 ? 0 : n;
    return static_cast<Part>(_bzhi_u32(0xffff, n < 16 ? static_cast<unsigned>(n) : 16));
  }
  static Float load(const float* p, Part n) { return _mm512_maskz_loadu_ps(n, p); }  // zeros behind them
  static void store(float* p, Float x, Part n) { _mm512_mask_storeu_ps(p, n, x); }

  // Into the second-level cache.
  static void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

  // For writing. The instruction is a hint: processors without it pass over it.
  static void prefetch_write(const float* p) { __asm__ volatile("prefetchw %0" : : "m"(*p)); }

  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float div(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }    // a b + c
  static Float nfma(Float a, Float b, Float c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a b
  static Float dot(Float a, Float b, Float c) { return fma(a, b, c); }                // one step of a product
  // The second operand where one is not a number.
  static Float max(Float a, Float b) { return _mm512_maskz_max_ps(kAll, a, b); }
  static Float min(Float a, Float b) { return _mm512_maskz_min_ps(kAll, a, b); }
  static Float abs(Float a) { return _mm512_abs_ps(a); }
  static Float negate(Float a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
  static Float round(Float a) {
    return _mm512_maskz_roundscale_ps(kAll, a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // a where x < 0, else b.
  static Float if_negative(Float x, Float a, Float b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
  }
  // a 2^n for whole n in [-300, 300], correct into the denormals and to infinity.
  static Float scale(Float a, Float n) { return _mm512_maskz_scalef_ps(kAll, a, n); }

  // One cache line.
  static void copy_chunk(float* to, const float* from) { _mm512_store_ps(to, _mm512_loadu_ps(from)); }
  static void zero_chunk(float* to) { _mm512_store_ps(to, _mm512_setzero_ps()); }
  // The first n < 16 floats of one; not aligned.
  static void copy_part(float* to, const float* from, int64_t n) { store(to, load(from, part(n)), part(n)); }
  static void zero_part(float* to, int64_t n) { store(to, zero(), part(n)); }
};

}  // namespace jc
