/* Messages of levels up to EI_LOG_LEVEL: 0 none, 1 errors, 2 warnings, 3 information, 4 debugging. */
#ifndef EW_EI_LOGGING_H
#define EW_EI_LOGGING_H

#include "ei_classifier_porting.h"

#define EI_LOG_LEVEL_NONE 0
#define EI_LOG_LEVEL_ERROR 1
#define EI_LOG_LEVEL_WARNING 2
#define EI_LOG_LEVEL_INFO 3
#define EI_LOG_LEVEL_DEBUG 4

#ifndef EI_LOG_LEVEL
#define EI_LOG_LEVEL EI_LOG_LEVEL_INFO
#endif

#if EI_LOG_LEVEL >= EI_LOG_LEVEL_ERROR
#define EI_LOGE(...) ei_printf("ERR: " __VA_ARGS__)
#else
#define EI_LOGE(...) ((void)0)
#endif
#if EI_LOG_LEVEL >= EI_LOG_LEVEL_WARNING
#define EI_LOGW(...) ei_printf("WARN: " __VA_ARGS__)
#else
#define EI_LOGW(...) ((void)0)
#endif
#if EI_LOG_LEVEL >= EI_LOG_LEVEL_INFO
#define EI_LOGI(...) ei_printf("INFO: " __VA_ARGS__)
#else
#define EI_LOGI(...) ((void)0)
#endif
#if EI_LOG_LEVEL >= EI_LOG_LEVEL_DEBUG
#define EI_LOGD(...) ei_printf("DEBUG: " __VA_ARGS__)
#else
#define EI_LOGD(...) ((void)0)
#endif

#endif
