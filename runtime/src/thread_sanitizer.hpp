// Whether this build has ThreadSanitizer, whose run-time does not survive a child that shares the
// parent's memory.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define WEFT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_THREAD_SANITIZER 1
#endif
#endif
#ifndef WEFT_THREAD_SANITIZER
#define WEFT_THREAD_SANITIZER 0
#endif
