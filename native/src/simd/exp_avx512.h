// exp of 16 floats, for softmax: within 1.01 ulp (every float of [-104, 88.7], test_exp "all"), exp(0) = 1, exp(-inf) =
// 0, gradual underflow to 0 below -103.98, +inf above 88.73, NaN stays NaN.
//
// x = n ln 2 + r, |r| <= ln 2 / 2;  exp(x) = 2^n (1 + r + r^2 q(r)), q of degree 4: minimax relative error 2^-28.
#pragma once

#include "simd/intrinsics.h"

namespace jc::avx512 {

static inline __m512 exp(__m512 x) {
  // The second operand is the answer where one is NaN.
  x = _mm512_max_ps(_mm512_set1_ps(-104.0f), x);
  x = _mm512_min_ps(_mm512_set1_ps(89.0f), x);
  __m512 n = _mm512_roundscale_ps(x * _mm512_set1_ps(0x1.715476p+0f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts; n times the first, of 10 bits, is exact.
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 q = _mm512_set1_ps(0x1.6a2416p-10f);
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.1239f4p-7f));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.5558f2p-5f));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.555492p-3f));
  q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.fffffcp-2f));
  __m512 t = _mm512_fmadd_ps(q, r * r, r);
  return _mm512_scalef_ps(_mm512_set1_ps(1.0f) + t, n);
}

}  // namespace jc::avx512
