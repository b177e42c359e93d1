// Eight floats at a time: the words that the templates in ops/ and simd/ are written in.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace jc {

struct Avx2 {
  using Float = __m256;
  static constexpr int kWidth = 8;
  // Values of the inner dimension of a product in one lane of a factor.
  static constexpr int kDepth = 1;

  static Float zero() { return _mm256_setzero_ps(); }
  static Float set(float x) { return _mm256_set1_ps(x); }
  static Float load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Float x) { _mm256_storeu_ps(p, x); }
  // The first n of a vector; n may be outside [0, 8]. A struct, so that no count is taken for one.
  struct Part {
    int n;
  };
  static Part part(int64_t n) { return {n >= 8 ? 8 : n <= 0 ? 0 : static_cast<int>(n)}; }
  static __m256i mask(Part p) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(p.n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  // Masked stores are slow on some machines: whole vectors go unmasked.
  static Float load(const float* p, Part n) { return n.n == 8 ? load(p) : _mm256_maskload_ps(p, mask(n)); }
  static void store(float* p, Float x, Part n) {
    if (n.n == 8) {
      store(p, x);
    } else {
      _mm256_maskstore_ps(p, mask(n), x);
    }
  }

  // Into the second-level cache.
  static void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

  // For writing. The instruction is a hint: processors without it pass over it.
  static void prefetch_write(const float* p) { __asm__ volatile("prefetchw %0" : : "m"(*p)); }

  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float div(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }    // a b + c
  static Float nfma(Float a, Float b, Float c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a b
  static Float dot(Float a, Float b, Float c) { return fma(a, b, c); }                // one step of a product
  // The second operand where one is not a number.
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float abs(Float a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static Float negate(Float a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
  static Float round(Float a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // a where x < 0, else b.
  static Float if_negative(Float x, Float a, Float b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
  }
  // a 2^n for whole n in [-300, 300], in three factors, so that each is a normal number.
  static Float scale(Float a, Float n) {
    __m256i whole = _mm256_cvtps_epi32(n);
    __m256i third = _mm256_srai_epi32(whole, 2);
    __m256i rest = _mm256_sub_epi32(whole, _mm256_mullo_epi32(third, _mm256_set1_epi32(3)));
    __m256 factor = power(third);
    return _mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(a, power(rest)), factor), factor), factor);
  }

  // Half a cache line, twice.
  static void copy_chunk(float* to, const float* from) {
    _mm256_store_ps(to, _mm256_loadu_ps(from));
    _mm256_store_ps(to + 8, _mm256_loadu_ps(from + 8));
  }
  static void zero_chunk(float* to) {
    _mm256_store_ps(to, _mm256_setzero_ps());
    _mm256_store_ps(to + 8, _mm256_setzero_ps());
  }
  // The first n < 16 floats of one; not aligned.
  static void copy_part(float* to, const float* from, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
  }
  static void zero_part(float* to, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] = 0;
  }

 private:
  static __m256 power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
};

}  // namespace jc
