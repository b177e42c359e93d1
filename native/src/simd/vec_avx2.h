// vec_avx512.h for AVX2: what they need beyond vector_avx2.h.
#pragma once

#include <cstdint>

#include "simd/exp_avx2.h"
#include "simd/intrinsics.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

struct Vec : Avx2 {
  // 6 x 2 vectors: 12 accumulators of 16 registers.
  static constexpr int kTileVectors = 2;

  static Float select_first(int64_t n, Float x, Float other) {
    return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(mask(part(n))));
  }
  static Float sqrt(Float x) { return _mm256_sqrt_ps(x); }
  static Float load(const float* p) { return Avx2::load(p); }
  static void store(float* p, Float x) { Avx2::store(p, x); }
  // The first n lanes; the others are read as 0 and not written.
  static Float load(const float* p, int64_t n) { return Avx2::load(p, part(n)); }
  static void store(float* p, Float x, int64_t n) { Avx2::store(p, x, part(n)); }
  static Float exp(Float x) { return avx2::exp(x); }

  // The four lanes that are left when halves are added to halves.
  static __m128 fold(Float x) { return _mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1); }
  static float sum(Float x) {
    __m128 z = fold(x);
    z = z + _mm_movehl_ps(z, z);
    return _mm_cvtss_f32(_mm_add_ss(z, _mm_movehdup_ps(z)));
  }
  // The sums of four vectors, each with the additions of sum().
  static __m128 sum4(Float a, Float b, Float c, Float d) {
    __m128 w = fold(a), x = fold(b), y = fold(c), z = fold(d);
    __m128 low = _mm_unpacklo_ps(w, x) + _mm_unpackhi_ps(w, x);  // a0 + a2, b0 + b2, a1 + a3, b1 + b3
    __m128 high = _mm_unpacklo_ps(y, z) + _mm_unpackhi_ps(y, z);
    return _mm_movelh_ps(low, high) + _mm_movehl_ps(high, low);
  }
  static float largest(Float x) {
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
  }

  static void transpose(const float* from, int64_t from_ld, int64_t rows, int64_t columns, float* to, int64_t to_ld) {
    Float in[8];
    for (int64_t r = 0; r < 8; ++r) {
      in[r] = r >= rows ? zero() : columns == 8 ? load(from + r * from_ld) : load(from + r * from_ld, columns);
    }
    Float a[8];
    for (int i = 0; i < 4; ++i) {
      a[2 * i] = _mm256_unpacklo_ps(in[2 * i], in[2 * i + 1]);
      a[2 * i + 1] = _mm256_unpackhi_ps(in[2 * i], in[2 * i + 1]);
    }
    Float b[8];  // b[4 i + c]: column c of each half, rows 4 i .. 4 i + 3
    for (int i = 0; i < 2; ++i) {
      b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
      b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
      b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
      b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      Float out[2] = {_mm256_permute2f128_ps(b[c], b[4 + c], 0x20), _mm256_permute2f128_ps(b[c], b[4 + c], 0x31)};
      for (int half = 0; half < 2; ++half) {
        if (4 * half + c < columns) store(to + (4 * half + c) * to_ld, out[half]);
      }
    }
  }
};

}  // namespace jc::avx2
