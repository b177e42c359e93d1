#include "ops/logits/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::logits(jc_context* context, const jc_logits_args* a) { return logits_simd<Vec>(context, a); }
