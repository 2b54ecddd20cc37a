# Finds SLEEF, whose deterministic functions are the mathematics of the kernels: Sabot::sleef.
include_guard(GLOBAL)

find_path(SLEEF_INCLUDE_DIR sleef.h)
find_library(SLEEF_LIBRARY sleef)
mark_as_advanced(SLEEF_INCLUDE_DIR SLEEF_LIBRARY)
if(NOT SLEEF_INCLUDE_DIR OR NOT SLEEF_LIBRARY)
  message(FATAL_ERROR "SLEEF was not found. Run 'make setup', or install libsleef-dev, "
                      "or set SLEEF_INCLUDE_DIR and SLEEF_LIBRARY.")
endif()
if(NOT TARGET Sabot::sleef)
  add_library(Sabot::sleef UNKNOWN IMPORTED)
  set_target_properties(Sabot::sleef PROPERTIES IMPORTED_LOCATION "${SLEEF_LIBRARY}"
                                                INTERFACE_INCLUDE_DIRECTORIES "${SLEEF_INCLUDE_DIR}")
endif()
