#include "ops/adamw/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::adamw(jc_context* context, const jc_adamw_args* a) { return adamw_simd<Vec>(context, a); }
