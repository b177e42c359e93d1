#include "ops/avg_pool/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::avg_pool(jc_context* context, const jc_avg_pool_args* a) { return avg_pool_simd<Vec>(context, a); }
