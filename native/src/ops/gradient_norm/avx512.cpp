#include "ops/gradient_norm/simd.h"
#include "simd/intrinsics.h"

namespace jc::avx512 {
namespace {

struct Doubles {
  using Double = __m512d;
  static constexpr int kWidth = 8;
  static Double zero() { return _mm512_setzero_pd(); }
  static Double load(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static void store(double* p, Double x) { _mm512_storeu_pd(p, x); }
};

}  // namespace
}  // namespace jc::avx512

int32_t jc::avx512::gradient_norm(jc_context* context, const jc_gradient_norm_args* a) {
  return gradient_norm_simd<Doubles>(context, a);
}
