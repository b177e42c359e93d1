#include "ops/column_sums/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::column_sums(jc_context* context, const jc_column_sums_args* a) {
  return column_sums_simd<Vec>(context, a);
}
