// Vectors of 8 floats: vec_avx512.h for AVX2 and FMA.
#pragma once

#include <cstdint>

#include "simd/exp_avx2.h"
#include "simd/intrinsics.h"

namespace jc::avx2 {

struct Vec {
  using Type = __m256;
  static constexpr int64_t kLanes = 8;
  static constexpr int kTileRows = 6;  // x 2 vectors = 12 accumulators of 16 registers
  static constexpr int kTileVectors = 2;

  static Type zero() { return _mm256_setzero_ps(); }
  static Type set(float x) { return _mm256_set1_ps(x); }
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Type x) { _mm256_storeu_ps(p, x); }
  static Type load(const float* p, int64_t n) { return _mm256_maskload_ps(p, mask(n)); }
  static void store(float* p, int64_t n, Type x) { _mm256_maskstore_ps(p, mask(n), x); }
  static Type first(int64_t n, Type x, Type other) { return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(mask(n))); }

  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
  static Type max(Type a, Type b) { return _mm256_max_ps(a, b); }
  static Type sqrt(Type x) { return _mm256_sqrt_ps(x); }
  static Type exp(Type x) { return avx2::exp(x); }

  static float sum(Type x) {
    __m128 z = _mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1);
    z = z + _mm_movehl_ps(z, z);
    return _mm_cvtss_f32(_mm_add_ss(z, _mm_movehdup_ps(z)));
  }
  static float largest(Type x) {
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
  }

  static void transpose(const float* from, int64_t from_ld, int64_t rows, int64_t columns, float* to, int64_t to_ld) {
    Type in[8];
    for (int64_t r = 0; r < 8; ++r) {
      in[r] = r >= rows ? zero() : columns == 8 ? load(from + r * from_ld) : load(from + r * from_ld, columns);
    }
    Type a[8];
    for (int i = 0; i < 4; ++i) {
      a[2 * i] = _mm256_unpacklo_ps(in[2 * i], in[2 * i + 1]);
      a[2 * i + 1] = _mm256_unpackhi_ps(in[2 * i], in[2 * i + 1]);
    }
    Type b[8];  // b[4 i + c]: column c of each half, rows 4 i .. 4 i + 3
    for (int i = 0; i < 2; ++i) {
      b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
      b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
      b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
      b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      Type out[2] = {_mm256_permute2f128_ps(b[c], b[4 + c], 0x20), _mm256_permute2f128_ps(b[c], b[4 + c], 0x31)};
      for (int half = 0; half < 2; ++half) {
        if (4 * half + c < columns) store(to + (4 * half + c) * to_ld, out[half]);
      }
    }
  }

 private:
  static __m256i mask(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

}  // namespace jc::avx2
