#include "ops/gradient_norm/simd.h"
#include "simd/intrinsics.h"

namespace jc::avx2 {
namespace {

struct Doubles {
  using Double = __m256d;
  static constexpr int kWidth = 4;
  static Double zero() { return _mm256_setzero_pd(); }
  static Double load(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static void store(double* p, Double x) { _mm256_storeu_pd(p, x); }
};

}  // namespace
}  // namespace jc::avx2

int32_t jc::avx2::gradient_norm(jc_context* context, const jc_gradient_norm_args* a) {
  return gradient_norm_simd<Doubles>(context, a);
}
