// Vectors of 16 floats: the few words in which the row-wise operators and attention are written once for all widths.
#pragma once

#include <cstdint>

#include "simd/exp_avx512.h"
#include "simd/intrinsics.h"

namespace jc::avx512 {

struct Vec {
  using Type = __m512;
  static constexpr int64_t kLanes = 16;
  static constexpr int kTileRows = 6;  // x 4 vectors = 24 accumulators of 32 registers
  static constexpr int kTileVectors = 4;

  static Type zero() { return _mm512_setzero_ps(); }
  static Type set(float x) { return _mm512_set1_ps(x); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Type x) { _mm512_storeu_ps(p, x); }
  // The first n lanes (1 <= n <= kLanes); the others are read as 0 and not written.
  static Type load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(mask(n), p); }
  static void store(float* p, int64_t n, Type x) { _mm512_mask_storeu_ps(p, mask(n), x); }
  // x in the first n lanes, other in the rest.
  static Type first(int64_t n, Type x, Type other) { return _mm512_mask_blend_ps(mask(n), other, x); }

  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
  // b where either is NaN.
  static Type max(Type a, Type b) { return _mm512_max_ps(a, b); }
  static Type sqrt(Type x) { return _mm512_sqrt_ps(x); }
  static Type exp(Type x) { return avx512::exp(x); }

  static float sum(Type x) {
    __m256 y = _mm512_castps512_ps256(x) + _mm512_extractf32x8_ps(x, 1);
    __m128 z = _mm256_castps256_ps128(y) + _mm256_extractf128_ps(y, 1);
    z = z + _mm_movehl_ps(z, z);
    return _mm_cvtss_f32(_mm_add_ss(z, _mm_movehdup_ps(z)));
  }
  static float largest(Type x) {
    __m256 y = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
  }

  // to[c to_ld + r] = from[r from_ld + c] for c < columns; 16 lanes are written, those from `rows` on as 0.
  static void transpose(const float* from, int64_t from_ld, int64_t rows, int64_t columns, float* to, int64_t to_ld) {
    Type in[16];
    for (int64_t r = 0; r < 16; ++r) {
      in[r] = r >= rows ? zero() : columns == 16 ? load(from + r * from_ld) : load(from + r * from_ld, columns);
    }
    Type a[16];
    for (int i = 0; i < 8; ++i) {
      a[2 * i] = _mm512_unpacklo_ps(in[2 * i], in[2 * i + 1]);
      a[2 * i + 1] = _mm512_unpackhi_ps(in[2 * i], in[2 * i + 1]);
    }
    Type b[16];  // b[4 i + c]: column c of each quarter, rows 4 i .. 4 i + 3
    for (int i = 0; i < 4; ++i) {
      b[4 * i] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
      b[4 * i + 1] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
      b[4 * i + 2] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
      b[4 * i + 3] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      Type low02 = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88);    // quarters 0, 2 of rows 0-3; 0, 2 of rows 4-7
      Type low13 = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xdd);
      Type high02 = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88);
      Type high13 = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xdd);
      Type out[4] = {_mm512_shuffle_f32x4(low02, high02, 0x88), _mm512_shuffle_f32x4(low13, high13, 0x88),
                     _mm512_shuffle_f32x4(low02, high02, 0xdd), _mm512_shuffle_f32x4(low13, high13, 0xdd)};
      for (int quarter = 0; quarter < 4; ++quarter) {
        if (4 * quarter + c < columns) store(to + (4 * quarter + c) * to_ld, out[quarter]);
      }
    }
  }

 private:
  static __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace jc::avx512
