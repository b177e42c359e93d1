// exp of 8 floats: exp_avx512.h with 2^n in two factors, so that results below 2^-126 round as they should.
#pragma once

#include "simd/intrinsics.h"

namespace jc::avx2 {

static inline __m256 exp(__m256 x) {
  x = _mm256_max_ps(_mm256_set1_ps(-104.0f), x);
  x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
  __m256 n = _mm256_round_ps(x * _mm256_set1_ps(0x1.715476p+0f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 q = _mm256_set1_ps(0x1.6a2416p-10f);
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.1239f4p-7f));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.5558f2p-5f));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.555492p-3f));
  q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.fffffcp-2f));
  __m256 t = _mm256_fmadd_ps(q, r * r, r);
  __m256i e = _mm256_cvtps_epi32(n);
  __m256i half = _mm256_srai_epi32(e, 1);
  __m256i bias = _mm256_set1_epi32(127);
  __m256 low = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  __m256 high = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(e, half), bias), 23));
  return (_mm256_set1_ps(1.0f) + t) * low * high;
}

}  // namespace jc::avx2
