// Rows and attention: what they need beyond vector_avx512.h.
#pragma once

#include <cstdint>

#include "simd/exp_avx512.h"
#include "simd/intrinsics.h"
#include "simd/vector_avx512.h"

namespace jc::avx512 {

struct Vec : Avx512 {
  // 6 x 4 vectors: 24 accumulators of 32 registers.
  static constexpr int kTileVectors = 4;

  // x in the first n lanes, other in the rest.
  static Float select_first(int64_t n, Float x, Float other) { return _mm512_mask_blend_ps(part(n), other, x); }
  static Float sqrt(Float x) { return _mm512_sqrt_ps(x); }
  static Float load(const float* p) { return Avx512::load(p); }
  static void store(float* p, Float x) { Avx512::store(p, x); }
  // The first n lanes; the others are read as 0 and not written.
  static Float load(const float* p, int64_t n) { return Avx512::load(p, part(n)); }
  static void store(float* p, Float x, int64_t n) { Avx512::store(p, x, part(n)); }
  static Float exp(Float x) { return avx512::exp(x); }

  // The four lanes that are left when halves are added to halves.
  static __m128 fold(Float x) {
    __m256 y = _mm512_castps512_ps256(x) + _mm512_extractf32x8_ps(x, 1);
    return _mm256_castps256_ps128(y) + _mm256_extractf128_ps(y, 1);
  }
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
    __m256 y = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
  }

  // to[c to_ld + r] = from[r from_ld + c] for c < columns; 16 lanes are written, those from `rows` on as 0.
  static void transpose(const float* from, int64_t from_ld, int64_t rows, int64_t columns, float* to, int64_t to_ld) {
    Float in[16];
    for (int64_t r = 0; r < 16; ++r) {
      in[r] = r >= rows ? zero() : columns == 16 ? load(from + r * from_ld) : load(from + r * from_ld, columns);
    }
    Float a[16];
    for (int i = 0; i < 8; ++i) {
      a[2 * i] = _mm512_unpacklo_ps(in[2 * i], in[2 * i + 1]);
      a[2 * i + 1] = _mm512_unpackhi_ps(in[2 * i], in[2 * i + 1]);
    }
    Float b[16];  // b[4 i + c]: column c of each quarter, rows 4 i .. 4 i + 3
    for (int i = 0; i < 4; ++i) {
      b[4 * i] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
      b[4 * i + 1] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
      b[4 * i + 2] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
      b[4 * i + 3] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      Float low02 = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88);  // quarters 0, 2 of rows 0-3; 0, 2 of rows 4-7
      Float low13 = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xdd);
      Float high02 = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88);
      Float high13 = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xdd);
      Float out[4] = {_mm512_shuffle_f32x4(low02, high02, 0x88), _mm512_shuffle_f32x4(low13, high13, 0x88),
                      _mm512_shuffle_f32x4(low02, high02, 0xdd), _mm512_shuffle_f32x4(low13, high13, 0xdd)};
      for (int quarter = 0; quarter < 4; ++quarter) {
        if (4 * quarter + c < columns) store(to + (4 * quarter + c) * to_ld, out[quarter]);
      }
    }
  }
};

}  // namespace jc::avx512
