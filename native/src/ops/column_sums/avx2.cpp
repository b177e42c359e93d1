#include "ops/column_sums/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::column_sums(jc_context* context, const jc_column_sums_args* a) {
  return column_sums_simd<Vec>(context, a);
}
